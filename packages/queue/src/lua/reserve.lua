-- reserve {key, id, tenant, submission, hash, made} → per item {revision, again}: '0' drawn now, '1' drawn before, '2' drawn
-- before for other content, '3' nothing was drawn: the document is stored with this content, and nothing else of it is under way.
-- Draws the revision when a submission is accepted, in the step that records its idempotency key: the order of acceptance is
-- the order of revisions, whoever chunks first. The same key again gives the same revision.
-- `made`: a submission from a producer that could not ask is ordered by the time at which its job was made, as a revision.
if lost() then return LOST end

local function revision_of(doc, item)
  local made = item.made
  if made == '' or not birth or made < birth or made > to_hex(time_us()) then return draw() end
  if doc.heads[made] or (doc.rec and doc.rec.rev == made) then return draw() end
  raise_floor(made)
  return made
end

-- One that was made before the stored revision was accepted says nothing about what is wanted now.
local function unchanged(doc, item)
  local rec = doc.rec
  return rec and rec.state == 's' and rec.hash == item.hash and next(doc.heads) == nil
    and (item.made == '' or item.made >= rec.rev)
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local field = item.submission ~= '' and (doc.key .. ':' .. item.submission) or nil
  local known = field and redis.call('hget', K.submissions, field)
  if known then
    local before = string.match(known, ':(.*)$') or ''
    local other = before ~= '' and item.hash ~= '' and before ~= item.hash
    answers[i] = { string.sub(known, 1, 13), other and '2' or '1' }
  elseif unchanged(doc, item) then
    if field then redis.call('hset', K.submissions, field, doc.rec.rev .. int(time_ms()) .. ':' .. item.hash) end
    answers[i] = { doc.rec.rev, '3' }
  else
    local rev = revision_of(doc, item)
    -- One that is older than the current revision is overtaken already: it needs no head.
    if not doc.rec or doc.rec.rev < rev then
      doc.heads[rev] = {
        kind = 'v', hash = '', cut = '', n = 0, source = '', run = '', gen = 0, pending = 0, stored = 0, reused = 0,
        dead = 0, producer = '', at = time_ms(), fenced = '0', submitted = '1', changed = true,
      }
      await_submission(doc, rev, doc.heads[rev])
    end
    put(doc, 'id', item.id)
    if item.tenant ~= '' then put(doc, 'tenant', item.tenant) end
    if field then redis.call('hset', K.submissions, field, rev .. int(time_ms()) .. ':' .. item.hash) end
    answers[i] = { rev, '0' }
  end
end
save_all()
return answers
