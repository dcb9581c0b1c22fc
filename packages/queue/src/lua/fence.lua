-- fence {key, rev, ord} → per item {answer, older}. ARGV[3]: worker.
-- Fence 1: is this revision still wanted? Where the answer is yes, a write intent (key, worker) is on record before the
-- write. `unknown` writes nothing and creates no key. A dead chunk needs no second writer: already-stored.
local worker = ARGV[3]
allowed_when_full()
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local answer = stand(doc, item.rev, item.ord)
  if answer == 'current' or answer == 'prepared' then
    local head = doc.heads[item.rev]
    if head.fenced ~= '1' then
      head.fenced = '1'
      head.changed = true
    end
    redis.call('zadd', K.intents, time_ms(), chunk_id(doc, item.rev, item.ord) .. ':' .. worker)
  end
  local whole = whole_of(doc)
  local older = (whole and whole.rev ~= item.rev) or doc.fields.older == '1'
  answers[i] = { answer == 'dead' and 'already-stored' or answer, older and '1' or '0' }
end
save_all()
return answers
