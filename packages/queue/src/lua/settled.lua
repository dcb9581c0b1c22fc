-- settled {key, rev} → 1 | 0. The older rows are gone. Acts only if that revision is still current and complete.
allowed_when_full()
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local rec = doc.rec
  local head = rec and doc.heads[rec.rev]
  answers[i] = 0
  if rec and rec.rev == item.rev then
    if head and head.stored == rec.n and (rec.state == 'o' or rec.state == 'd') then
      finish(doc)
      answers[i] = 1
    elseif rec.state == 's' or (rec.state == 'd' and not head) then
      answers[i] = 1
    end
  end
end
save_all()
return answers
