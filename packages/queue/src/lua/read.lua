-- read {key} → per item the state of the document as strings, {} where nothing is known:
-- state, current, n, stored, dead, hash, cut, whole, whole n, whole hash, id, tenant, source, seen, run, prepared revisions, settling,
-- reserved revisions.
local answers = {}
for i in ipairs(items) do
  local doc = load(i)
  local rec = doc.rec
  local prepared, reserved = {}, {}
  for rev, head in pairs(doc.heads) do
    if head.kind == 'p' then prepared[#prepared + 1] = rev end
    if head.kind == 'v' then reserved[#reserved + 1] = rev end
  end
  if not rec and #prepared == 0 and #reserved == 0 then
    answers[i] = {}
  else
    local head = rec and doc.heads[rec.rev]
    local whole = whole_of(doc)
    local r = rec or { state = '-', rev = '', hash = '', cut = '', n = 0, source = '', seen = '' }
    local stored = head and head.stored or (r.state == 's' and r.n or 0)
    answers[i] = {
      r.state, r.rev, int(r.n), int(stored), int(head and head.dead or 0), r.hash, r.cut, whole and whole.rev or '',
      whole and int(whole.n) or '0', whole and whole.hash or '', doc.fields.id or '', doc.fields.tenant or '', r.source,
      r.seen, head and head.run or '', table.concat(prepared, ','), (head and head.stored == r.n) and '1' or '0', table.concat(reserved, ','),
    }
  end
end
return answers
