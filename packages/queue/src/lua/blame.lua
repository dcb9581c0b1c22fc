-- blame [] → nothing. ARGV[3]: a worker without a heartbeat for so many ms is dead, but not the one that asks, ARGV[4].
-- Engine calls that dead workers had noted and never left: each chunk in one gets a mark, and a death if it was alone.
allowed_when_full()
local dead_before = time_ms() - tonumber(ARGV[3])
local calls = redis.call('hgetall', K.calls)
for i = 1, #calls, 2 do
  local worker, alone, chunks = string.match(calls[i + 1], '^([^ ]*) ([01]) (.*)$')
  local beat = string.match(redis.call('hget', K.workers, worker) or '', '^%d+')
  if worker ~= ARGV[4] and (not beat or tonumber(beat) < dead_before) then
    redis.call('hdel', K.calls, calls[i])
    for chunk in string.gmatch(chunks, '[^,]+') do
      local at, marks, deaths, workers =
        string.match(redis.call('hget', K.suspects, chunk) or '0 0 0 ', '^(%d+) (%d+) (%d+) (.*)$')
      if alone == '1' then
        deaths = deaths + 1
        if not string.find(',' .. workers .. ',', ',' .. worker .. ',', 1, true) then
          workers = workers == '' and worker or workers .. ',' .. worker
        end
      end
      redis.call('hset', K.suspects, chunk, table.concat({ int(time_ms()), int(marks + 1), int(deaths), workers }, ' '))
    end
  end
end
return redis.status_reply('OK')
