-- attempt {key, rev, ord} → how many attempts this chunk has used, this one included; 0 where it is wanted no more.
-- Only for a verdict `unknown` that a witness confirmed; outages use no attempt.
allowed_when_full()
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local answer = stand(doc, item.rev, item.ord)
  answers[i] = 0
  if answer == 'current' or answer == 'prepared' then
    local field = 'a:' .. item.rev .. ':' .. item.ord
    local used = tonumber(doc.fields[field] or '0') + 1
    put(doc, field, int(used))
    total('attempts', 1)
    answers[i] = used
  end
end
save_all()
return answers
