-- Up Migration

-- What people know of a flag and clients do not need: title, owner, stage …
alter table flag add column care jsonb not null default '{}';
-- Since when everybody has the on variant; null while somebody has not.
alter table flag add column full_since bigint;
alter table flag_version add column care jsonb;

create function flag_full_since(definition jsonb, before bigint, now bigint) returns bigint language sql immutable
  as $$ select case when (definition ->> 'on')::boolean and not (definition ->> 'killed')::boolean
      and (definition #>> '{exposure,share}')::numeric >= 1 then coalesce(before, now) end $$;
update flag set full_since = flag_full_since(definition, null, changed_at);

create table flag_change (
  id uuid primary key default gen_random_uuid(),
  project text not null,
  environment text not null,
  key text not null,
  at bigint not null,
  patch jsonb not null,
  seen_version bigint not null,
  anyway boolean not null,
  by text not null,
  why text,
  made_at bigint not null,
  state text not null default 'planned',
  ended_at bigint,
  detail text
);
create index flag_change_due on flag_change (at) where state = 'planned';
create index flag_change_of_flag on flag_change (project, environment, key, made_at desc);

update program set schema_version = 8;

-- Down Migration

drop table flag_change;
alter table flag_version drop column care;
alter table flag drop column full_since;
alter table flag drop column care;
drop function flag_full_since(jsonb, bigint, bigint);
update program set schema_version = 7;
