-- commit {key, rev} → current | superseded | abandoned | unknown.
-- All jobs of the revision are in the queue. It becomes current unless a higher one is; only now is the document accepted.
allowed_when_full()

local function accept(doc, rev, head)
  local seen = head.run == '' and '' or (doc.rec and saw_later(doc.rec.seen, head.run)) or head.run .. '!'
  supersede(doc)
  overtake_below(doc, rev)
  doc.rec = {
    state = 'o', rev = rev, hash = head.hash, cut = head.cut, n = head.n, source = head.source, seen = seen,
  }
  doc.rec_changed = true
  head.kind = 'c'
  head.changed = true
  redis.call('zrem', K.prepared, doc.key .. rev)
  total('o', 1)
  count(head.run, 'accepted', 1)
  count(head.run, 'unsettled', 1)
  -- Outcomes that came before the commit count from now on.
  count(head.run, 'c.accepted', head.n)
  count(head.run, 'c.stored', head.stored)
  count(head.run, 'c.reused', head.reused)
  count(head.run, 'c.dead', head.dead)
  look(doc)
end

local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local rec = doc.rec
  local rev = item.rev
  local head = doc.heads[rev]
  if rec and rec.rev == rev then
    answers[i] = rec.state == 'd' and 'superseded' or 'current'
  elseif (rec and rec.rev > rev) or (head and head.kind == 'x') then
    -- `x`: overtaken once is overtaken for good, although what overtook it was dropped.
    if head then
      count(head.run, 'accepted', 1)
      count(head.run, 'superseded', 1)
      abandon(doc, rev)
    end
    answers[i] = 'superseded'
  elseif head and head.kind == 'p' then
    accept(doc, rev, head)
    answers[i] = 'current'
  else
    answers[i] = drawn_here(rev) and 'abandoned' or 'unknown'
  end
end
save_all()
return answers
