-- Up Migration

-- Time never goes back. When the machine's clock does (a wrong time server, a restored virtual machine), releases would
-- stand still until it has caught up: no timer would be due, and what is measured would lie before what is known. So
-- what the clock lost is added to it from the next beat on, and taken off again a tenth of a second for every second.
create table time_kept (
  only_row boolean primary key default true check (only_row),
  latest bigint not null,
  added bigint not null
);
insert into time_kept (latest, added) values (0, 0);

create function machine_ms() returns bigint language sql volatile
  as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

-- Epoch milliseconds of the database's clock, or the injected ones (tests).
create or replace function now_ms(injected bigint) returns bigint language sql volatile
  as $$ select coalesce(injected, machine_ms() + (select added from time_kept)) $$;

update program set schema_version = 6;

-- Down Migration

create or replace function now_ms(injected bigint) returns bigint language sql volatile
  as $$ select coalesce(injected, floor(extract(epoch from clock_timestamp()) * 1000)::bigint) $$;
drop function machine_ms();
drop table time_kept;
update program set schema_version = 5;
