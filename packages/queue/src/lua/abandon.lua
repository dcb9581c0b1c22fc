-- abandon {key, rev, orphaned} → per item {n, generation}, n = '' where it was not abandoned, n = '?' where the submission queue is to
-- be asked first. ARGV[3]: a producer without a heartbeat for so many ms is gone. Prepared, never committed, its producer gone:
-- jobs and rows go, the current revision is untouched. A submission's is given up only as `orphaned`: the queue has no such job,
-- because the service died before it had enqueued what it had drawn a revision for.
allowed_when_full()
local gone_before = time_ms() - tonumber(ARGV[3])

local function gone(head)
  local beat = redis.call('hget', K.producers, head.producer)
  return (not beat or tonumber(beat) < gone_before) and head.at < gone_before
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local head = doc.heads[item.rev]
  answers[i] = { '', '0' }
  if not head or head.kind == 'c' then
    redis.call('zrem', K.prepared, doc.key .. item.rev)
  elseif head.submitted == '1' and head.at + SUBMISSION_KEPT_MS > time_ms() then
    await_submission(doc, item.rev, head)
  elseif head.submitted == '1' and not item.orphaned then
    answers[i] = { '?', '0' }
    redis.call('zadd', K.prepared, time_ms(), doc.key .. item.rev)
  elseif gone(head) then
    answers[i] = { int(head.n), int(head.gen) }
    abandon(doc, item.rev)
  else
    redis.call('zadd', K.prepared, time_ms(), doc.key .. item.rev)
  end
end
save_all()
return answers
