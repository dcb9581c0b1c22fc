-- take [{set, limit, lease}] → members. `settling`: key, revision, state · `cleaning`: key, revision.
-- Whoever takes has `lease` ms; what is not reported back by then is taken again.
allowed_when_full()
local set = items[1].set
local source = set == 'settling' and K.settling or K.cleaning
local members = redis.call('zrangebyscore', source, '-inf', int(time_ms()), 'LIMIT', 0, items[1].limit)
local answers = {}
for _, member in ipairs(members) do
  redis.call('zadd', source, int(time_ms() + items[1].lease), member)
  if set == 'settling' then
    local rec = unpack_record(redis.call('hget', K.docs, member))
    if rec then
      answers[#answers + 1] = { member, rec.rev, rec.state }
    else
      redis.call('zrem', source, member)
    end
  else
    answers[#answers + 1] = { string.sub(member, 1, 21), string.sub(member, 22) }
  end
end
return answers
