-- Shared by every verb of the ledger. One call is one atomic step over a batch of items of one shard; all of a shard's keys
-- carry one hash tag and are declared. Record layouts: packages/queue/README.md.
--
-- States of a document's current revision        o open      committed, chunks missing (or: all stored, rows of older ones to delete)
--                                                s stored    settled: its rows are the only ones
--                                                p partial   every chunk is stored or dead, at least one is dead
--                                                d deleted   a tombstone; unsettled as long as it has a head
-- Kinds of a revision's head                     v reserved  drawn when a submission was accepted, content to come
--                                                p prepared  jobs may be in the queue, not committed
--                                                c current   committed, not settled
--                                                x overtaken prepared, but a higher one was committed before it
-- Outcome of a chunk                             -  waiting   s stored   d dead
--
-- Revisions are 13 hex characters: text order is number order, and no double is ever turned into text by Lua's `tostring`.
-- ARGV[1] is the time in microseconds ('' asks Redis), ARGV[2] the items as JSON, the last one the birth of the ledger that the caller
-- knows ('' where it knows none).

local K = {
  docs = KEYS[1], totals = KEYS[2], counts = KEYS[3], settling = KEYS[4], cleaning = KEYS[5], prepared = KEYS[6],
  intents = KEYS[7], sweeps = KEYS[8], dead = KEYS[9], dead_at = KEYS[10], producers = KEYS[11], workers = KEYS[12],
  rates = KEYS[13], submissions = KEYS[14], retried = KEYS[15],
  calls = KEYS[16], suspects = KEYS[17], shares = KEYS[18],
}
local FIXED_KEYS = 18
local items = cjson.decode(ARGV[2])

local function int(n) return string.format('%.0f', n) end

local now
local function time_us()
  if not now then
    if ARGV[1] ~= '' then
      now = tonumber(ARGV[1])
    else
      local t = redis.call('time')
      now = tonumber(t[1]) * 1000000 + tonumber(t[2])
    end
  end
  return now
end
local function time_ms() return math.floor(time_us() / 1000) end

-- Redis tests its memory only before a script's first write, and a deletion is allowed when it is full: verbs that lead to
-- less memory begin with this one, so that a full Redis drains instead of standing still.
local function allowed_when_full() redis.call('hdel', K.totals, '') end

-- Revisions ------------------------------------------------------------------------------------------------------------

local function to_hex(n)
  local high = math.floor(n / 4294967296)
  return string.format('%05x%08x', high, n - high * 4294967296)
end

-- `#` in docs: first and last revision that this ledger drew. It lives in the same key as the documents, so it can not
-- outlive them. Dashes in place of the first one: documents are being put on record again, the ledger is not whole yet.
local UNBORN = string.rep('-', 13)
local birth, last
local drew = false
local function read_clock()
  if last then return end
  local v = redis.call('hget', K.docs, '#')
  if v then
    birth = string.sub(v, 1, 13)
    if birth == UNBORN then birth = nil end
    last = tonumber(string.sub(v, 14, 26), 16)
  else
    last = 0
  end
end

-- max(last + 1, floor + 1, Redis time): reconcile raises `last` to the floor.
local function draw()
  read_clock()
  last = math.max(last + 1, time_us())
  drew = true
  local rev = to_hex(last)
  if not birth then birth = rev end
  return rev
end

local function raise_floor(rev)
  read_clock()
  last = math.max(last, tonumber(rev, 16))
  drew = true
end

-- What the caller was opened on is gone, however long the call was under way: a command that waited for a Redis which comes back
-- empty is sent again. Verbs that draw ask this first, so that nothing is begun anew under work and rows that nobody knows.
local function lost()
  local known = ARGV[#ARGV]
  read_clock()
  return known ~= '' and birth ~= known
end
local LOST = redis.status_reply('lost')

-- True if this ledger, as it is since it was born, gave that revision away.
local function drawn_here(rev)
  read_clock()
  return birth ~= nil and rev >= birth and rev <= to_hex(last)
end

-- Records --------------------------------------------------------------------------------------------------------------

local function pack(r)
  return r.state .. r.rev .. r.hash .. r.cut .. string.format('%04x', r.n) .. r.source .. '.' .. r.seen
end

-- `seen` keeps the latest run: of two that read one source at a time, the earlier must not hide from the later what that has seen.
-- `!` is of the run whose content is on record.
local function saw_later(seen, run)
  local known = string.match(seen, '^%d+')
  return known and run ~= '' and tonumber(known) > tonumber(run) and known
end

local function unpack_record(s)
  if not s then return nil end
  local source, seen = string.match(s, '^([^.]*)%.(.*)$', 49)
  return {
    state = string.sub(s, 1, 1), rev = string.sub(s, 2, 14), hash = string.sub(s, 15, 36), cut = string.sub(s, 37, 44),
    n = tonumber(string.sub(s, 45, 48), 16), source = source, seen = seen,
  }
end

local function pack_head(h)
  return table.concat({
    h.kind, h.hash, h.cut, int(h.n), h.source, h.run, int(h.gen), int(h.pending), int(h.stored), int(h.reused), int(h.dead),
    h.producer, int(h.at), h.fenced, h.class or 'b', int(h.tag or 0), int(h.size or 0), h.submitted or '0',
  }, '|')
end

local function unpack_head(s)
  local p = {}
  for part in string.gmatch(s .. '|', '([^|]*)|') do p[#p + 1] = part end
  return {
    kind = p[1], hash = p[2], cut = p[3], n = tonumber(p[4]), source = p[5], run = p[6], gen = tonumber(p[7]),
    pending = tonumber(p[8]), stored = tonumber(p[9]), reused = tonumber(p[10]), dead = tonumber(p[11]), producer = p[12],
    at = tonumber(p[13]), fenced = p[14], class = p[15] or 'b', tag = tonumber(p[16] or 0), size = tonumber(p[17] or 0),
    submitted = p[18] or '0',
  }
end

-- Loading and saving: everything is read once, changed in memory, and written at the end ----------------------------------

local by_key = {}
local order = {}

local function load(i)
  local key = items[i].key
  local doc = by_key[key]
  if doc then return doc end
  doc = {
    key = key, at = KEYS[FIXED_KEYS + i], heads = {}, fields = {}, set = {}, del = {}, detail = false, rec_changed = false,
    rec = unpack_record(redis.call('hget', K.docs, key)),
  }
  local flat = redis.call('hgetall', doc.at)
  for j = 1, #flat, 2 do
    doc.detail = true
    local field, value = flat[j], flat[j + 1]
    if string.sub(field, 1, 2) == 'r:' then
      doc.heads[string.sub(field, 3)] = unpack_head(value)
    else
      doc.fields[field] = value
    end
  end
  by_key[key] = doc
  order[#order + 1] = doc
  return doc
end

local function put(doc, field, value)
  doc.fields[field] = value
  doc.set[field] = value
  doc.del[field] = nil
end

local function cut_field(doc, field)
  if doc.fields[field] == nil then return end
  doc.fields[field] = nil
  doc.set[field] = nil
  doc.del[field] = true
end

local totals, counts, shares = {}, {}, {}
local function total(name, by) totals[name] = (totals[name] or 0) + by end
-- Tokens of a revision that join or leave the backlog: the line's, its class's (l live, b bulk) and its tenant's share of it.
local function backlog(doc, head, by)
  if by == 0 then return end
  total('backlog', by)
  total('backlog:' .. head.class, by)
  local share = head.class .. ':' .. (doc.fields.tenant or '')
  shares[share] = (shares[share] or 0) + by
end

-- Counts of a run; a revision remembers its run, so that every transition is counted exactly once.
local function count(run, name, by)
  if run == '' or by == 0 then return end
  local field = run .. ':' .. name
  counts[field] = (counts[field] or 0) + by
end

-- Who has nothing left to do keeps no place in the order; when nobody of a class has, its order begins anew.
local function save_shares()
  for share, by in pairs(shares) do
    if by ~= 0 and redis.call('hincrby', K.shares, 'b:' .. share, int(by)) <= 0 then
      redis.call('hdel', K.shares, 'b:' .. share, 'f:' .. share)
      local class = string.sub(share, 1, 1)
      if tonumber(redis.call('hget', K.totals, 'backlog:' .. class) or 0) <= 0 then
        redis.call('hdel', K.shares, 'v:' .. class)
      end
    end
  end
end

local function save_all()
  for _, doc in ipairs(order) do
    if doc.rec_changed then redis.call('hset', K.docs, doc.key, pack(doc.rec)) end
    if next(doc.heads) == nil then
      if doc.detail then redis.call('del', doc.at) end
    else
      local set, del = {}, {}
      for rev, head in pairs(doc.heads) do
        if head.changed then
          set[#set + 1] = 'r:' .. rev
          set[#set + 1] = pack_head(head)
        end
      end
      for field, value in pairs(doc.set) do
        set[#set + 1] = field
        set[#set + 1] = value
      end
      for field in pairs(doc.del) do del[#del + 1] = field end
      if #set > 0 then redis.call('hset', doc.at, unpack(set)) end
      if #del > 0 then redis.call('hdel', doc.at, unpack(del)) end
    end
  end
  if drew then redis.call('hset', K.docs, '#', (birth or UNBORN) .. to_hex(last)) end
  for name, by in pairs(totals) do
    if by ~= 0 then redis.call('hincrby', K.totals, name, int(by)) end
  end
  for field, by in pairs(counts) do
    if by ~= 0 then redis.call('hincrby', K.counts, field, int(by)) end
  end
  save_shares()
end
