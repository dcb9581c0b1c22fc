-- fence {key, rev, ord} → per item {answer, older}. ARGV[3]: worker.
-- Fence 1: is this revision still wanted? Where the answer is yes, a write intent (key, worker) is on record before the
-- write. `unknown` writes nothing and creates no key. A dead chunk needs no second writer: already-stored.
local worker = ARGV[3]
allowed_when_full()

-- How far the order of a class has come: the start tag of what is taken up. Who comes new begins there.
local reached = {}
local function reach(head, ord)
  local at = head.tag + math.floor(head.size * ord / head.n)
  if at > (reached[head.class] or 0) then reached[head.class] = at end
end

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
    reach(head, item.ord)
    redis.call('zadd', K.intents, time_ms(), chunk_id(doc, item.rev, item.ord) .. ':' .. worker)
  end
  local whole = whole_of(doc)
  local older = (whole and whole.rev ~= item.rev) or doc.fields.older == '1'
  answers[i] = { answer == 'dead' and 'already-stored' or answer, older and '1' or '0' }
end
for class, at in pairs(reached) do
  local before = tonumber(redis.call('hget', K.shares, 'v:' .. class) or 0)
  if at > before then redis.call('hset', K.shares, 'v:' .. class, int(at)) end
end
save_all()
return answers
