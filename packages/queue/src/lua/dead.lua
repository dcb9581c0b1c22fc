-- dead {key, rev, ord, tokens, code, letter} → dead | dead-in-a-row | already-stored | overtaken | unknown. ARGV[3]: worker.
-- `dead-in-a-row`: recorded, and it was twenty different documents one after another with this code.
-- A dead letter is this record. stored + dead = n makes a committed revision partial; its older one stays readable.
local worker = ARGV[3]
allowed_when_full()
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local answer = stand(doc, item.rev, item.ord)
  local id = chunk_id(doc, item.rev, item.ord)
  if answer == 'current' or answer == 'prepared' then
    local head = doc.heads[item.rev]
    set_outcome(doc, item.rev, item.ord, 'd')
    local off = math.min(head.pending, item.tokens)
    head.pending = head.pending - off
    backlog(doc, head, -off)
    head.dead = head.dead + 1
    head.changed = true
    cut_field(doc, 'a:' .. item.rev .. ':' .. item.ord)
    remove_dead_letter(id)
    redis.call('hset', K.dead, id, item.letter)
    redis.call('zadd', K.dead_at, time_ms(), id)
    total('dead:bytes', #item.letter)
    if head.kind == 'c' then
      count(head.run, 'c.dead', 1)
      look(doc)
    end
    answer = row_with(item.code, doc.key) < ROW and 'dead' or 'dead-in-a-row'
  end
  if answer ~= 'unknown' and answer ~= 'overtaken' then redis.call('zrem', K.intents, id .. ':' .. worker) end
  answers[i] = answer
end
save_all()
return answers
