-- What wrk sends in the benchmarks, and where to: METHOD, and PORTS with one port for each thread.
wrk.method = os.getenv("METHOD")
if wrk.method == "POST" then wrk.body = "" end -- Content-Length: 0, as browsers send it

local ports, threads = {}, 0
for port in os.getenv("PORTS"):gmatch("%d+") do ports[#ports + 1] = port end

function setup(thread)
  threads = threads + 1
  thread.addr = wrk.lookup("127.0.0.1", ports[threads])[1]
end
