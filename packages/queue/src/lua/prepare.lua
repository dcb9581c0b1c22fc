-- prepare {key, id, tenant, hash, cut, n, tokens[], source, run, producer, revision, class} → per item {revision, generation,
-- outcomes, overtaken, tag}. ARGV[3]: a producer without a heartbeat for so many ms is gone. Outcomes '' = every ordinal is to be enqueued.
-- Supersedes nothing. In this order: resume the current revision of the same content; take up a prepared one of the same
-- content whose producer is gone; draw a new one.
if lost() then return LOST end
local gone_before = time_ms() - tonumber(ARGV[3])

local function sum(tokens)
  local s = 0
  for _, t in ipairs(tokens) do s = s + t end
  return s
end

local function same(a, item) return a.hash == item.hash and a.cut == item.cut and a.n == item.n end

local function gone(producer)
  local beat = redis.call('hget', K.producers, producer)
  return not beat or tonumber(beat) < gone_before
end

-- Dead chunks wait again, under a new generation; their dead letters stay until they have another outcome.
local function revive(doc, rev, head, tokens)
  if head.dead == 0 then return 0 end
  local marks = doc.fields['o:' .. rev]
  local back = 0
  for ord = 0, head.n - 1 do
    if string.sub(marks, ord + 1, ord + 1) == 'd' then
      back = back + tokens[ord + 1]
      redis.call('zadd', K.retried, time_ms(), chunk_id(doc, rev, ord))
    end
  end
  local revived = head.dead
  put(doc, 'o:' .. rev, (string.gsub(marks, 'd', '-')))
  head.dead = 0
  head.gen = head.gen + 1
  head.pending = head.pending + back
  head.changed = true
  backlog(doc, head, back)
  return revived
end

-- The run that hands a document in again answers for it from now on.
local function resume(doc, item)
  local rec = doc.rec
  local head = doc.heads[rec.rev]
  local was_partial = rec.state == 'p'
  local revived = revive(doc, rec.rev, head, item.tokens)
  if was_partial then
    rec.state = 'o'
    doc.rec_changed = true
    total('p', -1)
    total('o', 1)
  end
  local takes_over = item.run ~= '' and item.run ~= head.run
  if takes_over then
    local waiting = head.n - head.stored
    if not was_partial then
      count(head.run, 'accepted', -1)
      count(head.run, 'unsettled', -1)
      count(head.run, 'c.accepted', -(waiting - revived))
    end
    count(item.run, 'accepted', 1)
    count(item.run, 'unsettled', 1)
    count(item.run, 'c.accepted', waiting)
    head.run = item.run
  elseif was_partial then
    count(head.run, 'partial', -1)
    count(head.run, 'unsettled', 1)
  end
  if not takes_over then count(head.run, 'c.dead', -revived) end
  head.changed = true
  if item.run ~= '' and not saw_later(rec.seen, item.run) then
    rec.seen = item.run .. '!'
    doc.rec_changed = true
  end
  return { rec.rev, int(head.gen), doc.fields['o:' .. rec.rev] }
end

local function take_up(doc, rev, item)
  local head = doc.heads[rev]
  head.producer = item.producer
  head.run = item.run
  head.source = item.source
  head.at = time_ms()
  head.changed = true
  revive(doc, rev, head, item.tokens)
  return { rev, int(head.gen), doc.fields['o:' .. rev] }
end

local function begin(doc, rev, item)
  local pending = sum(item.tokens)
  doc.heads[rev] = {
    kind = 'p', hash = item.hash, cut = item.cut, n = item.n, source = item.source, run = item.run, gen = 0,
    pending = pending, stored = 0, reused = 0, dead = 0, producer = item.producer, at = time_ms(), fenced = '0',
    class = item.class, tag = place(doc, item.class, pending), size = pending, changed = true,
    submitted = item.revision ~= '' and '1' or '0',
  }
  backlog(doc, doc.heads[rev], pending)
  if item.revision ~= '' then
    await_submission(doc, rev, doc.heads[rev])
  else
    redis.call('zadd', K.prepared, time_ms(), doc.key .. rev)
  end
  put(doc, 'o:' .. rev, string.rep('-', item.n))
  return { rev, '0', '' }
end

local function nothing_missing(rev, item, overtaken)
  return { rev, '0', string.rep('s', item.n), overtaken and '1' or '0' }
end

-- The latest committed content handed in again; nil where it is other content.
local function again(doc, item)
  local rec = doc.rec
  if not rec or rec.state == 'd' or not same(rec, item) then return nil end
  if rec.state ~= 's' then return resume(doc, item) end
  count(item.run, 'accepted', 1)
  count(item.run, 'stored', 1)
  return nothing_missing(rec.rev, item)
end

-- A submission brings the revision that was reserved when it was accepted. It may come more than once, and late. A
-- revision whose head is gone was overtaken; it is never begun anew, because its rows may be about to be deleted.
local function submitted(doc, item)
  local given = item.revision
  local head = doc.heads[given]
  if doc.rec and doc.rec.rev == given and doc.rec.state ~= 'd' then
    return again(doc, item) or nothing_missing(given, item)
  end
  if not head then
    -- Not of this ledger: it was lost since the submission was accepted.
    if not drawn_here(given) then return begin(doc, draw(), item) end
    return nothing_missing(given, item, true)
  end
  if head.kind == 'x' then
    count(item.run, 'accepted', 1)
    count(item.run, 'superseded', 1)
    abandon(doc, given)
    return nothing_missing(given, item, true)
  end
  if head.kind == 'v' then return begin(doc, given, item) end
  if same(head, item) then return take_up(doc, given, item) end
  -- Cut otherwise meanwhile: the old jobs and rows must not mix with the new ones.
  abandon(doc, given)
  return begin(doc, draw(), item)
end

local function prepare(doc, item)
  if item.revision ~= '' then return submitted(doc, item) end
  local known = again(doc, item)
  if known then return known end
  local mine = ''
  for rev, head in pairs(doc.heads) do
    if head.kind == 'p' and same(head, item) and rev > mine then
      if head.producer == item.producer or gone(head.producer) then mine = rev end
    end
  end
  if mine ~= '' then return take_up(doc, mine, item) end
  return begin(doc, draw(), item)
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  if item.tenant ~= '' and doc.fields.tenant ~= item.tenant then put(doc, 'tenant', item.tenant) end
  local answer = prepare(doc, item)
  local head = doc.heads[answer[1]]
  answers[i] = { answer[1], answer[2], answer[3], answer[4] or '0', int(head and head.tag or 0) }
  if next(doc.heads) ~= nil and doc.fields.id ~= item.id then put(doc, 'id', item.id) end
  -- A producer that prepares is alive.
  if item.producer ~= '' then redis.call('hset', K.producers, item.producer, int(time_ms())) end
end
save_all()
return answers
