-- Up Migration

create table principal (
  id uuid primary key,
  name text not null unique,
  kind text not null,
  created_at bigint not null,
  disabled_at bigint
);

create table membership (
  principal_id uuid not null references principal on delete cascade,
  project text not null,
  environment text not null,
  role text not null,
  primary key (principal_id, project, environment, role)
);

create table api_key (
  id uuid primary key,
  project text not null,
  environment text not null,
  kind text not null,
  name text not null,
  prefix text not null,
  hash bytea not null unique,
  principal_id uuid not null references principal,
  created_at bigint not null,
  expires_at bigint,
  revoked_at bigint,
  used_at bigint
);
create index api_key_scope on api_key (project, environment, id);

update program set schema_version = 4;

-- Down Migration

drop table api_key;
drop table membership;
drop table principal;
update program set schema_version = 3;
