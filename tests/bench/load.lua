-- For wrk: what it measured as JSON, on one line.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"answers":%d,"bytes":%d,"seconds":%f,"failed":%d}\n', summary.requests, summary.bytes,
    summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
