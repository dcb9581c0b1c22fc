-- Shared by every verb, after preamble.lua: what can happen to a revision of a document. Nothing here draws, asks or answers;
-- every count of a run and of the backlog is made here or in the verb that makes the transition, exactly once.

local function chunk_id(doc, rev, ord) return doc.key .. rev .. string.format('%05x', ord) end

local function outcome(doc, rev, ord)
  return string.sub(doc.fields['o:' .. rev] or '', ord + 1, ord + 1)
end

local function set_outcome(doc, rev, ord, mark)
  local s = doc.fields['o:' .. rev]
  put(doc, 'o:' .. rev, string.sub(s, 1, ord) .. mark .. string.sub(s, ord + 2))
end

-- The rest of a revision's tokens leaves the backlog: nobody will embed them any more.
local function flush_pending(doc, head)
  backlog(doc, head, -head.pending)
  head.pending = 0
  head.changed = true
end

local function remove_dead_letter(id)
  local letter = redis.call('hget', K.dead, id)
  if not letter then return end
  redis.call('hdel', K.dead, id)
  redis.call('zrem', K.dead_at, id)
  redis.call('zrem', K.retried, id)
  total('dead:bytes', -#letter)
end

-- Dead letters of a revision that is wanted no more, and those of it that were to be tried again.
local function remove_dead_letters(doc, rev, head)
  if head.dead == 0 and head.gen == 0 then return end
  local s = doc.fields['o:' .. rev] or ''
  for ord = 0, #s - 1 do
    if string.sub(s, ord + 1, ord + 1) ~= 's' then remove_dead_letter(chunk_id(doc, rev, ord)) end
  end
end

-- The row: different documents that died one after another with one code, `<code> <key>,<key>,…`, as many as matter. What is
-- stored ends it, and so does a person who deals with dead letters.
local ROW = 20
local function end_row() redis.call('hdel', K.totals, 'row') end
local function row_with(code, key)
  local of, keys = string.match(redis.call('hget', K.totals, 'row') or '', '^(%S+) (.*)$')
  if of ~= code then keys = '' end
  if not string.find(keys, key, 1, true) and #keys < ROW * 22 then
    keys = keys .. key .. ','
    redis.call('hset', K.totals, 'row', code .. ' ' .. keys)
  end
  return #keys / 22
end

-- Schedules the deletion of the rows of one revision.
local function clean(doc, rev)
  redis.call('zadd', K.cleaning, time_ms(), doc.key .. rev)
  put(doc, 'x', (doc.fields.x or '') .. rev)
end

-- A submission is durable and comes back by itself; nobody asks for its revision sooner than this. Longer than an idempotency key is
-- kept: whoever brings the submission again afterwards gets another revision.
local SUBMISSION_KEPT_MS = 172800000
local function await_submission(doc, rev, head)
  redis.call('zadd', K.prepared, int(head.at + SUBMISSION_KEPT_MS), doc.key .. rev)
end

local function drop_head(doc, rev)
  doc.heads[rev] = nil
  doc.del['r:' .. rev] = true
  cut_field(doc, 'o:' .. rev)
  redis.call('zrem', K.prepared, doc.key .. rev)
  for field in pairs(doc.fields) do
    if string.sub(field, 1, 16) == 'a:' .. rev .. ':' then cut_field(doc, field) end
  end
end

local function older_rows(doc) return doc.fields.older == '1' or doc.fields.whole ~= nil end

-- What readers get. A current revision is readable as soon as its last chunk is stored: from then on older rows may go.
local function whole_of(doc)
  local rec = doc.rec
  if rec then
    if rec.state == 's' then return rec end
    if rec.state == 'd' then return nil end
    local head = doc.heads[rec.rev]
    if rec.state == 'o' and head and head.stored == rec.n then return rec end
  end
  return unpack_record(doc.fields.whole)
end

-- The current revision is complete and nothing older is left (or it was deleted): the document is settled.
local function finish(doc)
  local rec = doc.rec
  local head = doc.heads[rec.rev]
  if rec.state == 'd' then
    count(head.run, 'deleted', 1)
  else
    total('o', -1)
    total('s', 1)
    rec.state = 's'
    doc.rec_changed = true
    count(head.run, 'stored', 1)
  end
  count(head.run, 'unsettled', -1)
  redis.call('zrem', K.settling, doc.key)
  -- The deletion of everything older, if there was one, has covered what was scheduled by revision.
  if older_rows(doc) and doc.fields.x then
    local later = ''
    for rev in string.gmatch(doc.fields.x, string.rep('%x', 13)) do
      if rev < rec.rev then redis.call('zrem', K.cleaning, doc.key .. rev) else later = later .. rev end
    end
    if later == '' then cut_field(doc, 'x') else put(doc, 'x', later) end
  end
  cut_field(doc, 'whole')
  cut_field(doc, 'older')
  cut_field(doc, 'buried')
  drop_head(doc, rec.rev)
end

-- After any change: is the current revision complete? The settling set carries what is still to delete, whoever noticed.
local function look(doc)
  local rec = doc.rec
  if not rec or (rec.state ~= 'o' and rec.state ~= 'd') then return end
  local head = doc.heads[rec.rev]
  if not head then return end
  if head.stored == rec.n then
    flush_pending(doc, head)
    if older_rows(doc) then
      redis.call('zadd', K.settling, 'NX', time_ms(), doc.key)
    else
      finish(doc)
    end
  elseif head.stored + head.dead == rec.n then
    flush_pending(doc, head)
    rec.state = 'p'
    doc.rec_changed = true
    total('o', -1)
    total('p', 1)
    count(head.run, 'partial', 1)
    count(head.run, 'unsettled', -1)
  end
end

-- A revision nobody will finish: its tokens, dead letters and rows go.
local function abandon(doc, rev)
  local head = doc.heads[rev]
  flush_pending(doc, head)
  remove_dead_letters(doc, rev, head)
  if head.fenced == '1' then
    clean(doc, rev)
    if doc.rec and rev < doc.rec.rev and doc.heads[doc.rec.rev] then put(doc, 'older', '1') end
  end
  drop_head(doc, rev)
end

-- Makes room for a new current revision. The old one is kept as `whole` if its rows are complete; if its settlement was under
-- way, rows of the former whole may be gone already, so it must be.
local function supersede(doc)
  local rec = doc.rec
  if not rec then return end
  local head = doc.heads[rec.rev]
  total(rec.state, -1)
  redis.call('zrem', K.settling, doc.key)
  if rec.state == 's' then
    put(doc, 'whole', pack(rec))
    return
  end
  if not head then return end
  if rec.state == 'd' then
    -- Newer content came first. What the delete was to remove goes by itself: the newer content may stay partial.
    if doc.fields.buried then
      clean(doc, doc.fields.buried)
      cut_field(doc, 'buried')
    end
    count(head.run, 'deleted', 1)
    count(head.run, 'unsettled', -1)
    put(doc, 'older', '1')
  elseif head.stored == rec.n then
    local former = unpack_record(doc.fields.whole)
    if former then clean(doc, former.rev) end
    put(doc, 'older', '1')
    put(doc, 'whole', 's' .. string.sub(pack(rec), 2))
    count(head.run, 'stored', 1)
    count(head.run, 'unsettled', -1)
  else
    count(head.run, 'superseded', 1)
    if rec.state == 'p' then
      count(head.run, 'partial', -1)
      count(head.run, 'c.dead', -head.dead)
    else
      count(head.run, 'unsettled', -1)
    end
    flush_pending(doc, head)
    remove_dead_letters(doc, rec.rev, head)
    if head.fenced == '1' then
      clean(doc, rec.rev)
      put(doc, 'older', '1')
    end
  end
  drop_head(doc, rec.rev)
end

-- Prepared revisions below a newly committed one: overtaken. Their heads stay until their own commit asks, or they go stale.
-- A reserved one needs no head to be overtaken.
local function overtake_below(doc, rev)
  for other, head in pairs(doc.heads) do
    if other < rev and head.kind == 'v' then
      drop_head(doc, other)
    elseif other < rev and head.kind == 'p' then
      flush_pending(doc, head)
      remove_dead_letters(doc, other, head)
      if head.fenced == '1' then
        clean(doc, other)
        put(doc, 'older', '1')
      end
      head.kind = 'x'
      head.dead = 0
      head.changed = true
      cut_field(doc, 'o:' .. other)
    end
  end
end

-- What a worker asks before and after a write. `unknown` is only what this ledger never drew: an abandoned or forgotten
-- revision is overtaken, lost data is unknown.
local function stand(doc, rev, ord)
  local rec = doc.rec
  local head = doc.heads[rev]
  if rec and rec.rev == rev then
    if rec.state == 's' then return 'already-stored' end
    if rec.state == 'd' then return 'overtaken' end
    local mark = outcome(doc, rev, ord)
    if mark == '-' then return 'current' end
    if mark == '' then return 'overtaken' end
    return mark == 'd' and 'dead' or 'already-stored'
  end
  local whole = unpack_record(doc.fields.whole)
  if whole and whole.rev == rev then return 'already-stored' end
  if rec and rev < rec.rev then return 'overtaken' end
  if head and head.kind == 'p' then
    local mark = outcome(doc, rev, ord)
    if mark == '-' then return 'prepared' end
    if mark == '' then return 'overtaken' end
    return mark == 'd' and 'dead' or 'already-stored'
  end
  if head or drawn_here(rev) then return 'overtaken' end
  return 'unknown'
end

-- Start-time fair queuing (Goyal, Vin, Cheng 1996): a revision begins where its tenant's last one ended, or where the order has
-- come, whichever is later. Tags are tokens; the jobs' priorities are made of them.
local function place(doc, class, tokens)
  local share = class .. ':' .. (doc.fields.tenant or '')
  local order, last_end = unpack(redis.call('hmget', K.shares, 'v:' .. class, 'f:' .. share))
  local tag = math.max(tonumber(order or 0), tonumber(last_end or 0))
  redis.call('hset', K.shares, 'f:' .. share, int(tag + tokens))
  return tag
end
