# redis under its own benchmark: the server alone has the allocator that is measured. Called with a folder for its socket.
# Distributions link it with jemalloc; where no other allocator is to be measured, the C library's goes before that.
set -e
allocator=${LD_PRELOAD:-libc.so.6}
unset LD_PRELOAD
socket=$1/redis.sock
LD_PRELOAD=$allocator redis-server --port 0 --unixsocket "$socket" --save '' > /dev/null 2>&1 &
until redis-cli -s "$socket" ping > /dev/null 2>&1; do
    kill -0 $!
    sleep .01
done
redis-benchmark -s "$socket" -c 20 -P 16 -n 200000 -r 20000 -d 300 -t set,get,lpush,lpop,sadd,hset,zadd -q > /dev/null 2>&1
redis-cli -s "$socket" shutdown nosave
wait $!
