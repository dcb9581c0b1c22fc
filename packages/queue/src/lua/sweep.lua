-- sweep {key, rev, ord, member, set, again} → per item 1 where rows of that key are to be deleted, 0 where not.
-- With `done` the deletion has happened. `intents`: a lost worker may have written this key. Overtaken: delete it now, and
-- once more after `again` ms (a request may land after its client died). Still wanted: keep the intent until it is decided.
-- Older than ARGV[3] ms and still not overtaken: nothing can be under way any more, forget it.
allowed_when_full()
local forget_before = time_ms() - tonumber(ARGV[3])
local answers = {}
for i, item in ipairs(items) do
  answers[i] = 0
  if item.done then
    if item.set == 'intents' then
      redis.call('zrem', K.intents, item.member)
      redis.call('zadd', K.sweeps, int(time_ms() + item.again), item.key .. item.rev .. string.format('%05x', item.ord))
    else
      redis.call('zrem', K.sweeps, item.member)
    end
  else
    local doc = load(i)
    local answer = stand(doc, item.rev, item.ord)
    if answer == 'overtaken' then
      answers[i] = 1
    elseif item.set == 'sweeps' then
      redis.call('zrem', K.sweeps, item.member)
    else
      local at = redis.call('zscore', K.intents, item.member)
      if at and tonumber(at) < forget_before then redis.call('zrem', K.intents, item.member) end
    end
  end
end
return answers
