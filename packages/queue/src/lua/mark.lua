-- mark {key, rev, ord, tokens, reused} → stored | already-stored | overtaken | unknown. ARGV[3]: worker.
-- Fence 2 and the stored mark in one step. The intent goes, except where the answer is overtaken: then the worker deletes its
-- own keys first and releases the intent afterwards.
local worker = ARGV[3]
allowed_when_full()

local chunks, tokens = 0, 0

local function store(doc, item, was_dead)
  local head = doc.heads[item.rev]
  set_outcome(doc, item.rev, item.ord, 's')
  head.stored = head.stored + 1
  if item.reused then head.reused = head.reused + 1 end
  if was_dead then
    head.dead = head.dead - 1
  else
    local off = math.min(head.pending, item.tokens)
    head.pending = head.pending - off
    backlog(doc, head, -off)
  end
  head.changed = true
  if was_dead or head.gen > 0 then remove_dead_letter(chunk_id(doc, item.rev, item.ord)) end
  cut_field(doc, 'a:' .. item.rev .. ':' .. item.ord)
  -- By the run that answers for the revision, committed or not: what it has enqueued and what is stored of it go together.
  count(head.run, 't.stored', item.tokens)
  chunks = chunks + 1
  tokens = tokens + item.tokens
  if head.kind == 'c' then
    count(head.run, 'c.stored', 1)
    if item.reused then count(head.run, 'c.reused', 1) end
    if was_dead then count(head.run, 'c.dead', -1) end
    if doc.rec.state == 'p' then
      doc.rec.state = 'o'
      doc.rec_changed = true
      total('p', -1)
      total('o', 1)
      count(head.run, 'partial', -1)
      count(head.run, 'unsettled', 1)
    end
    look(doc)
  end
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local answer = stand(doc, item.rev, item.ord)
  if answer == 'current' or answer == 'prepared' or answer == 'dead' then
    store(doc, item, answer == 'dead')
    answer = 'stored'
  end
  if answer == 'stored' or answer == 'already-stored' then
    redis.call('zrem', K.intents, chunk_id(doc, item.rev, item.ord) .. ':' .. worker)
  end
  answers[i] = answer
end

-- A ring of sixteen slots of ten seconds: what was stored lately, for rate and ETA.
if chunks > 0 then
  end_row()
  local slot_number = math.floor(time_ms() / 10000)
  local slot = int(slot_number % 16)
  local at, c, t = string.match(redis.call('hget', K.rates, slot) or '', '^(%d+):(%d+):(%d+)$')
  if at ~= int(slot_number) then c, t = 0, 0 end
  redis.call('hset', K.rates, slot, table.concat({ int(slot_number), int(c + chunks), int(t + tokens) }, ':'))
end
save_all()
return answers
