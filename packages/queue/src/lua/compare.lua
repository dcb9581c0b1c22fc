-- compare {key, hash, cut, source, run, recut} → per item {answer, revision, n, whole revision}.
-- Says what is to be done with a document that was read, and notes that this run has seen it (for --prune): `seen` is the run's
-- number, with `!` once the content on record is what this run handed in. So an id that comes twice in one run is told from
-- a call that is repeated because its reply was lost.
local answers = {}
local seen = {}
for i, item in ipairs(items) do
  local rec = unpack_record(redis.call('hget', K.docs, item.key))
  if not rec then
    answers[i] = { 'new', '', '0', '' }
  else
    if rec.state ~= 'd' and (item.run ~= '' or item.source ~= '') then
      local before = rec.source .. '.' .. rec.seen
      if item.source ~= '' then rec.source = item.source end
      if item.run ~= '' and not saw_later(rec.seen, item.run) then
        local settled_same = rec.hash == item.hash and rec.state == 's' and (rec.cut == item.cut or not item.recut)
        if settled_same then
          rec.seen = item.run .. '!'
        elseif rec.seen ~= item.run .. '!' then
          rec.seen = item.run
        end
      end
      if before ~= rec.source .. '.' .. rec.seen then
        seen[#seen + 1] = item.key
        seen[#seen + 1] = pack(rec)
      end
    end
    local same_cut = rec.cut == item.cut
    if rec.state ~= 'd' and item.run ~= '' and rec.seen == item.run .. '!' and rec.state ~= 's' and rec.hash == item.hash then
      answers[i] = { 'repeated', rec.rev, int(rec.n), '' }
    elseif rec.state ~= 'd' and item.run ~= '' and rec.seen == item.run .. '!' and rec.hash ~= item.hash then
      answers[i] = { 'duplicate', rec.rev, int(rec.n), '' }
    elseif rec.state ~= 'd' and rec.hash == item.hash and rec.state == 's' and (same_cut or not item.recut) then
      answers[i] = { 'unchanged', rec.rev, int(rec.n), rec.rev }
    elseif rec.state ~= 'd' and rec.state ~= 's' and rec.hash == item.hash and same_cut then
      answers[i] = { 'resume', rec.rev, int(rec.n), '' }
    else
      local whole = ''
      if rec.state == 's' then
        whole = rec.rev
      elseif rec.state ~= 'd' then
        local kept = unpack_record(redis.call('hget', KEYS[FIXED_KEYS + i], 'whole'))
        if kept then whole = kept.rev end
      end
      answers[i] = { 'changed', '', '0', whole }
    end
  end
end
for from = 1, #seen, 1000 do redis.call('hset', K.docs, unpack(seen, from, math.min(from + 999, #seen))) end
return answers
