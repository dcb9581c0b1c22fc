-- adopt {key, rev, hash, cut, n, source} → 1 | 0. The collection holds a whole revision that the ledger does not know.
-- Only for a document without a higher record; the revision floor rises with it. A ledger that was lost is not born by this: as long
-- as documents are missing in it, nobody may hand in.
local answers = {}
for i, item in ipairs(items) do
  raise_floor(item.rev)
  answers[i] = 0
  local doc = load(i)
  local rec = doc.rec
  if (not rec or rec.rev < item.rev) and next(doc.heads) == nil then
    if rec then total(rec.state, -1) end
    total('s', 1)
    doc.rec = {
      state = 's', rev = item.rev, hash = item.hash, cut = item.cut, n = item.n, source = item.source, seen = '',
    }
    doc.rec_changed = true
    redis.call('zrem', K.cleaning, doc.key .. item.rev)
    answers[i] = 1
  end
end
save_all()
return answers
