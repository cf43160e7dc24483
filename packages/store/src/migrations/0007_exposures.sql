-- Up Migration

-- The newest batch of each SDK: batches come in order, and one that is sent again counts once.
create table exposure_sdk (
  project text not null,
  environment text not null,
  sdk text not null,
  highest bigint not null,
  seen_at bigint not null,
  primary key (project, environment, sdk)
) with (fillfactor = 70);
create index exposure_sdk_seen on exposure_sdk (seen_at);

create table exposure_hour (
  project text not null,
  environment text not null,
  flag text not null,
  hour bigint not null,
  variant text not null,
  exposures bigint not null,
  users bigint not null,
  primary key (project, environment, flag, hour, variant)
) with (fillfactor = 70);
create index exposure_hour_age on exposure_hour (hour);

-- Found by user when an outcome comes, and by flag when an experiment is read.
create table exposure_user (
  project text not null,
  environment text not null,
  user_digest bytea not null,
  flag text not null,
  variant text not null,
  first_at bigint not null,
  switched boolean not null,
  primary key (project, environment, user_digest, flag)
);
create index exposure_user_flag on exposure_user (project, environment, flag);
create index exposure_user_age on exposure_user (first_at);

create table exposure_outcome (
  project text not null,
  environment text not null,
  user_digest bytea not null,
  flag text not null,
  event text not null,
  times bigint not null,
  sum double precision not null,
  primary key (project, environment, user_digest, flag, event),
  foreign key (project, environment, user_digest, flag) references exposure_user on delete cascade
) with (fillfactor = 70);
create index exposure_outcome_flag on exposure_outcome (project, environment, flag, event);

update program set schema_version = 7;

-- Down Migration

drop table exposure_outcome;
drop table exposure_user;
drop table exposure_hour;
drop table exposure_sdk;
update program set schema_version = 6;
