-- retry {key, rev, ord, tokens} → per item {answer, generation, letter, class, tag}: retry | gone. ARGV[3] = '1': only chunks that
-- wait. Each takes a new place at the end of its tenant's: what failed long ago goes before nobody who waits.
-- A dead chunk waits again under a new generation. Its letter (with the job) stays until the chunk has another outcome, so a
-- crash between this and the enqueue loses nothing: retrying again gives the same job again.
local raised = {}
local answers = {}
for i, item in ipairs(items) do
  local doc = load(i)
  local head = doc.heads[item.rev]
  local id = chunk_id(doc, item.rev, item.ord)
  local letter = redis.call('hget', K.dead, id)
  local wanted = head and (head.kind == 'c' or head.kind == 'p')
  local mark = wanted and outcome(doc, item.rev, item.ord)
  if not letter then
    redis.call('zrem', K.retried, id)
  elseif not wanted then
    remove_dead_letter(id)
  elseif mark == 'd' and ARGV[3] == '1' then
    redis.call('zrem', K.retried, id)
  end
  if letter and wanted and ((mark == 'd' and ARGV[3] ~= '1') or mark == '-') then
    redis.call('zadd', K.retried, time_ms(), id)
    local slot = doc.key .. item.rev
    if mark == 'd' then
      if not raised[slot] then
        raised[slot] = true
        head.gen = head.gen + 1
      end
      set_outcome(doc, item.rev, item.ord, '-')
      head.dead = head.dead - 1
      head.pending = head.pending + item.tokens
      head.changed = true
      backlog(doc, head, item.tokens)
      if head.kind == 'c' then
        count(head.run, 'c.dead', -1)
        if doc.rec.state == 'p' then
          doc.rec.state = 'o'
          doc.rec_changed = true
          total('p', -1)
          total('o', 1)
          count(head.run, 'partial', -1)
          count(head.run, 'unsettled', 1)
        end
      end
    end
    answers[i] = { 'retry', int(head.gen), letter, head.class, int(place(doc, head.class, item.tokens)) }
  else
    answers[i] = { 'gone', '0', '', '', '0' }
  end
end
save_all()
if ARGV[3] ~= '1' then end_row() end
return answers
