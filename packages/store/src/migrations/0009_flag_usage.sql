-- Up Migration

-- Who evaluated which variant, how often and when last; '' where it is not known.
create table flag_usage (
  project text not null,
  environment text not null,
  flag text not null,
  who text not null,
  variant text not null,
  count bigint not null,
  first_at bigint not null,
  last_at bigint not null,
  primary key (project, environment, flag, who, variant)
) with (fillfactor = 70);
create index flag_usage_age on flag_usage (last_at);

update program set schema_version = 9;

-- Down Migration

drop table flag_usage;
update program set schema_version = 8;
