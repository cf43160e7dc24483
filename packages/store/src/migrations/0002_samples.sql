-- Up Migration

create sequence sample_batch_id;

-- Append-only; one partition a day, made and dropped by the program.
create table sample_batch (
  id bigint not null default nextval('sample_batch_id'),
  received_at bigint not null,
  project text not null,
  environment text not null,
  service text not null,
  trusted boolean not null,
  samples json not null,
  primary key (received_at, id)
) partition by range (received_at);
create index sample_batch_order on sample_batch (id);

-- Makes the partition of a day (days since 1970) unless it is there. Attaching locks less than creating in place.
create function ensure_sample_day(day bigint) returns void language plpgsql as $$
declare
  partition_name text := 'sample_batch_' || day;
begin
  perform pg_advisory_xact_lock(hashtext(current_schema() || ' sample days'));
  if to_regclass(format('%I.%I', current_schema(), partition_name)) is null then
    execute format('create table %I (like sample_batch including defaults including indexes)', partition_name);
    execute format('alter table sample_batch attach partition %I for values from (%s) to (%s)',
      partition_name, day * 86400000, (day + 1) * 86400000);
  end if;
end $$;

-- Drops the partitions of days that ended before a moment and were packed whole.
create function drop_sample_days(ended_before bigint) returns integer language plpgsql as $$
declare
  day text;
  newest bigint;
  dropped integer := 0;
begin
  for day in
    select substring(c.relname from '[0-9]+$') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'sample_batch'::regclass
  loop
    continue when (day::bigint + 1) * 86400000 > ended_before;
    execute format('select max(id) from %I', 'sample_batch_' || day) into newest;
    continue when newest > (select cursor from sample_compaction);
    execute format('drop table %I', 'sample_batch_' || day);
    dropped := dropped + 1;
  end loop;
  return dropped;
end $$;

-- Which batches of an SDK instance were taken: the highest number, and one bit for each of the 62 up to it.
create table sample_sdk (
  project text not null,
  environment text not null,
  sdk text not null,
  highest bigint not null,
  recent bigint not null,
  seen_at bigint not null,
  primary key (project, environment, sdk)
) with (fillfactor = 70);
create index sample_sdk_seen on sample_sdk (seen_at);

-- One row per series, label set and hour. `body` holds columns: bucket starts, counts, sums, last values, sketches.
create table sample_hour (
  project text not null,
  environment text not null,
  service text not null,
  series text not null,
  hour bigint not null,
  variant text not null,
  resolution_ms integer not null,
  body json not null,
  primary key (project, environment, service, series, hour, variant)
);
create index sample_hour_age on sample_hour (hour, resolution_ms);

create table sample_compaction (
  only_row boolean primary key default true check (only_row),
  cursor bigint not null
);
insert into sample_compaction (cursor) values (0);

update program set schema_version = 2;

-- Down Migration

drop table sample_compaction;
drop table sample_hour;
drop table sample_sdk;
drop function drop_sample_days(bigint);
drop function ensure_sample_day(bigint);
drop table sample_batch;
drop sequence sample_batch_id;
update program set schema_version = 1;
