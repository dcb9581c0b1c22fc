-- distrust {key, rev} → 1 | 0. The collection does not hold all rows of this stored revision, or holds wrong ones. The document
-- counts as changed when it is handed in again; until then readers get what there is.
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  answers[i] = 0
  if doc.rec and doc.rec.rev == item.rev and doc.rec.state == 's' then
    doc.rec.hash = string.rep('-', 22)
    doc.rec_changed = true
    answers[i] = 1
  end
end
save_all()
return answers
