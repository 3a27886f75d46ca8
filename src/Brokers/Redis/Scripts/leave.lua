-- Removes a client from the presence. KEYS: present, members. ARGV: client, channel.
leave(ARGV[1], ARGV[2])
return 1
