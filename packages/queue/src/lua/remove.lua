-- remove {key, run} → per item {answer, revision}: deleted | already-deleted | unknown.
-- A delete is a revision without chunks: committed at once, settled like any other. Its tombstone stays.
if lost() then return LOST end
allowed_when_full()

local function tombstone(doc, item)
  local rev = draw()
  supersede(doc)
  overtake_below(doc, rev)
  if doc.fields.whole then
    put(doc, 'buried', unpack_record(doc.fields.whole).rev)
    put(doc, 'older', '1')
    cut_field(doc, 'whole')
  end
  doc.rec = {
    state = 'd', rev = rev, hash = string.rep('-', 22), cut = string.rep('-', 8), n = 0, source = '', seen = item.run,
  }
  doc.rec_changed = true
  doc.heads[rev] = {
    kind = 'c', hash = '', cut = '', n = 0, source = '', run = item.run, gen = 0, pending = 0, stored = 0, reused = 0,
    dead = 0, producer = '', at = time_ms(), fenced = '0', changed = true,
  }
  total('d', 1)
  count(item.run, 'unsettled', 1)
  look(doc)
  return rev
end

-- Something that a delete must come after: handed in, or accepted to be.
local function on_its_way(doc)
  for rev, head in pairs(doc.heads) do
    if head.kind ~= 'c' and head.kind ~= 'x' and (not doc.rec or rev > doc.rec.rev) then return true end
  end
  return false
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  if on_its_way(doc) or (doc.rec and doc.rec.state ~= 'd') then
    answers[i] = { 'deleted', tombstone(doc, item) }
  elseif doc.rec then
    answers[i] = { 'already-deleted', doc.rec.rev }
  else
    answers[i] = { 'unknown', '' }
  end
end
save_all()
return answers
