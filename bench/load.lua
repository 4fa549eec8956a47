-- wrk's script: the requests of a file (see load.py), in order, from a given one on; the result as one line of JSON.
local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local length = file:read("*l")
  while length do
    requests[#requests + 1] = file:read(tonumber(length))
    length = file:read("*l")
  end
  file:close()
  at = tonumber(args[2])
end

function request()
  local message = requests[at % #requests + 1]
  at = at + 1
  return message
end

function done(summary)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, summary.errors.status + lost))
end
