-- begin {rev} → nothing. A shard that was not born is; nothing is drawn from now on at or below this revision.
raise_floor(items[1].rev)
if not birth then draw() end
save_all()
return redis.status_reply('OK')
