-- drop {key, rev} → per item {answer, revision}: restored | deleted | gone.
-- Gives a partial (or open) revision up: its rows go. The whole one is current again; if there is none, a tombstone is.
if lost() then return LOST end
allowed_when_full()
end_row()

local function bury(doc, head)
  local rev = draw()
  doc.rec = {
    state = 'd', rev = rev, hash = string.rep('-', 22), cut = string.rep('-', 8), n = 0, source = '', seen = doc.rec.seen,
  }
  doc.heads[rev] = {
    kind = 'c', hash = '', cut = '', n = 0, source = '', run = '', gen = 0, pending = 0, stored = 0, reused = 0, dead = 0,
    producer = '', at = time_ms(), fenced = '0', changed = true,
  }
  total('d', 1)
  overtake_below(doc, rev)
  look(doc)
  return rev
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local rec = doc.rec
  local head = rec and doc.heads[rec.rev]
  if head and rec.rev == item.rev and rec.state ~= 'd' and head.stored < rec.n then
    total(rec.state, -1)
    if rec.state == 'o' then
      count(head.run, 'superseded', 1)
      count(head.run, 'unsettled', -1)
    end
    flush_pending(doc, head)
    remove_dead_letters(doc, rec.rev, head)
    if head.fenced == '1' then clean(doc, rec.rev) end
    local whole = unpack_record(doc.fields.whole)
    if whole then
      drop_head(doc, rec.rev)
      whole.seen = rec.seen
      doc.rec = whole
      total('s', 1)
      cut_field(doc, 'whole')
      cut_field(doc, 'older')
      answers[i] = { 'restored', whole.rev }
    else
      if head.fenced == '1' then put(doc, 'older', '1') end
      drop_head(doc, rec.rev)
      answers[i] = { 'deleted', bury(doc, head) }
    end
    doc.rec_changed = true
  else
    answers[i] = { 'gone', '' }
  end
end
save_all()
return answers
