-- abandon {key, rev} → per item {n, generation}, n = '' where it was not abandoned. ARGV[3]: a producer without a heartbeat for
-- so many ms is gone. Prepared, never committed, its producer gone: jobs and rows go, the current revision is untouched.
allowed_when_full()
local gone_before = time_ms() - tonumber(ARGV[3])
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local head = doc.heads[item.rev]
  answers[i] = { '', '0' }
  if not head or head.kind == 'c' then
    redis.call('zrem', K.prepared, doc.key .. item.rev)
  else
    local beat = redis.call('hget', K.producers, head.producer)
    if (not beat or tonumber(beat) < gone_before) and head.at < gone_before then
      answers[i] = { int(head.n), int(head.gen) }
      abandon(doc, item.rev)
    else
      redis.call('zadd', K.prepared, time_ms(), doc.key .. item.rev)
    end
  end
end
save_all()
return answers
