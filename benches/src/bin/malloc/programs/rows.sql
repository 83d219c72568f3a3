create table t(a integer primary key,b text,c real);
with recursive n(x) as (select 1 union all select x+1 from n where x<300000) insert into t select x, 'row '||x, x*1.5 from n;
create index i on t(b);
select count(*), sum(length(b)) from t where b like 'row 1%';
select group_concat(b) from (select b from t order by c desc limit 2000);
