-- release {key, rev, ord} → 1 | 0. ARGV[3]: worker. The worker has deleted these own keys (or never sent them): no sweep needed.
allowed_when_full()
local answers = {}
for i, item in ipairs(items) do
  answers[i] = redis.call('zrem', K.intents, item.key .. item.rev .. string.format('%05x', item.ord) .. ':' .. ARGV[3])
end
return answers
