-- Up Migration

-- Version of an environment's flags. Its row is locked by every change, so versions become visible in order.
create table flag_stream (
  project text not null,
  environment text not null,
  version bigint not null,
  primary key (project, environment)
);

create table flag (
  project text not null,
  environment text not null,
  key text not null,
  version bigint not null,
  definition jsonb not null,
  held_by uuid,
  generation bigint not null default 0,
  changed_at bigint not null,
  primary key (project, environment, key)
) with (fillfactor = 70);
create index flag_changed on flag (project, environment, version);
create index flag_held on flag (held_by) where held_by is not null;

create table flag_removed (
  project text not null,
  environment text not null,
  key text not null,
  version bigint not null,
  primary key (project, environment, key)
);

-- A removal is a row without a definition.
create table flag_version (
  project text not null,
  environment text not null,
  key text not null,
  version bigint not null,
  definition jsonb,
  by text not null,
  why text,
  at bigint not null,
  primary key (project, environment, key, version)
);
create index flag_version_age on flag_version (at);

create table sdk_instance (
  project text not null,
  environment text not null,
  sdk text not null,
  name text not null,
  kind text not null,
  version bigint not null default 0,
  connected boolean not null,
  connected_at bigint not null,
  seen_at bigint not null,
  primary key (project, environment, sdk)
) with (fillfactor = 70);
create index sdk_instance_seen on sdk_instance (seen_at);

update program set schema_version = 3;

-- Down Migration

drop table sdk_instance;
drop table flag_version;
drop table flag_removed;
drop table flag;
drop table flag_stream;
update program set schema_version = 2;
