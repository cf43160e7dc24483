-- Up Migration

create table document (
  project text not null,
  environment text not null,
  kind text not null,
  name text not null,
  version integer not null,
  digest text not null,
  text text not null,
  applied_at bigint not null,
  by text not null,
  primary key (project, environment, kind, name)
);

create table document_version (
  project text not null,
  environment text not null,
  kind text not null,
  name text not null,
  version integer not null,
  digest text not null,
  text text not null,
  by text not null,
  why text,
  at bigint not null,
  primary key (project, environment, kind, name, version)
);

create table connection (
  project text not null,
  environment text not null,
  name text not null,
  kind text not null,
  settings json not null,
  secret_names text[] not null,
  secrets bytea not null,
  version integer not null,
  changed_at bigint not null,
  by text not null,
  primary key (project, environment, name)
);

create table overlay (
  id uuid primary key,
  project text not null,
  environment text not null,
  stops json not null,
  by text not null,
  why text,
  at bigint not null,
  cleared_at bigint,
  cleared_by text,
  cleared_why text
);
create index overlay_active on overlay (project, environment) where cleared_at is null;
create index overlay_newest on overlay (project, environment, at desc, id desc);

create table audit (
  id bigint generated always as identity primary key,
  project text not null,
  environment text not null,
  at bigint not null,
  by text not null,
  action text not null,
  subject text not null,
  why text,
  detail json not null
);
create index audit_scope on audit (project, environment, id desc);
create index audit_subject on audit (subject, id desc);
create function refuse_change() returns trigger language plpgsql
  as $$ begin raise exception 'the audit log is append-only'; end $$;
create trigger audit_is_append_only before update or delete on audit
  for each row execute function refuse_change();

create table setting (
  project text not null,
  environment text not null,
  name text not null,
  value json not null,
  primary key (project, environment, name)
);

update program set schema_version = 5;

-- Down Migration

drop table setting;
drop table audit;
drop function refuse_change();
drop table overlay;
drop table connection;
drop table document_version;
drop table document;
update program set schema_version = 4;
