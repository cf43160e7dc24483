-- Up Migration

-- One row that says which programs may use this database: N and N + 1 run together, older ones are refused.
create table program (
  only_row boolean primary key default true check (only_row),
  schema_version integer not null,
  min_program integer not null
);
insert into program (schema_version, min_program) values (1, 1);

-- Epoch milliseconds of the database's clock, or the injected ones (tests).
create function now_ms(injected bigint) returns bigint language sql volatile
  as $$ select coalesce(injected, floor(extract(epoch from clock_timestamp()) * 1000)::bigint) $$;

-- A hint to look again, sent when the transaction commits. Such transactions are written one by one, so only those
-- that move flags use it; the others are told by the program after the commit. One channel per schema.
create function hint(body json) returns boolean language plpgsql volatile
  as $$ begin perform pg_notify(current_schema() || '_hint', body::text); return true; end $$;

create table instance (
  id text primary key,
  epoch integer not null,
  started_at bigint not null,
  seen_at bigint not null
);

create table release (
  id uuid primary key,
  project text not null,
  environment text not null,
  plan text not null,
  plan_title text,
  service text not null,
  version text not null,
  revision integer not null,
  plan_digest text not null,
  started_by text not null,
  started_at bigint not null,
  ended_at bigint,
  lifecycle text not null,
  share double precision not null,
  -- Lease: who decides. `fence` rises with every claim; a commit with an older one is lost.
  owner text,
  owner_epoch integer,
  fence bigint not null default 0,
  wake_at bigint,
  decided_at bigint not null,
  seq integer not null,
  -- json, not jsonb: read back whole, and byte for byte what was decided.
  state json not null,
  status json not null
) with (fillfactor = 70);
create unique index release_scope on release (project, environment, id);
create index release_due on release (wake_at) where wake_at is not null;
create index release_live on release (owner, owner_epoch) where ended_at is null or wake_at is not null;
create index release_of_plan on release (project, environment, plan, started_at desc, id desc);
create index release_newest on release (started_at desc, id desc);

create table release_plan (
  release_id uuid not null references release on delete cascade,
  revision integer not null,
  digest text not null,
  plan json not null,
  primary key (release_id, revision)
);

create table release_event (
  release_id uuid not null references release on delete cascade,
  seq integer not null,
  at bigint not null,
  type text not null,
  body json not null,
  -- Given by the feed when it first sees the event, so that feed order is commit order.
  feed_id bigint,
  primary key (release_id, seq)
);
create unique index release_event_feed on release_event (feed_id) where feed_id is not null;
create index release_event_unfed on release_event (at, release_id, seq) where feed_id is null;

create table feed_head (
  only_row boolean primary key default true check (only_row),
  head bigint not null
);
insert into feed_head (head) values (0);

create table evidence (
  release_id uuid primary key references release on delete cascade,
  cursor bigint not null,
  checkpoint json not null,
  written_at bigint not null
);

create table hand_claim (
  project text not null,
  environment text not null,
  hand_id text not null,
  release_id uuid not null,
  primary key (project, environment, hand_id)
);
create index hand_claim_release on hand_claim (release_id);

create table hand (
  release_id uuid not null references release on delete cascade,
  hand_id text not null,
  position integer not null,
  hand json not null,
  desired json not null,
  generation bigint not null,
  direction text not null,
  desired_at bigint not null,
  live boolean not null default true,
  reached boolean not null default false,
  reading json,
  read_at bigint,
  primary key (release_id, hand_id)
) with (fillfactor = 70);
create index hand_live on hand (read_at) where live;

create table command (
  id uuid primary key,
  release_id uuid not null references release on delete cascade,
  slot text not null,
  lane text not null,
  effect_class text not null,
  command json not null,
  status text not null,
  attempt integer not null default 0,
  fence bigint not null default 0,
  owner text,
  owner_epoch integer,
  planned_at bigint not null,
  not_before bigint not null,
  expires_at bigint,
  ended_at bigint,
  detail text,
  output json,
  folded boolean not null default false,
  late jsonb not null default '[]',
  unique (release_id, slot)
) with (fillfactor = 70);
create index command_planned on command (lane, not_before) where status = 'planned';
create index command_expiring on command (expires_at) where status = 'planned' and expires_at is not null;
create index command_claimed on command (owner, owner_epoch) where status = 'claimed';
create index command_unfolded on command (release_id) where ended_at is not null and not folded;

-- Down Migration

drop table command;
drop table hand;
drop table hand_claim;
drop table evidence;
drop table feed_head;
drop table release_event;
drop table release_plan;
drop table release;
drop table instance;
drop function hint(json);
drop function now_ms(bigint);
drop table program;
