// Times as the pages write them; the server formats the same way.

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} m ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
}

export function offset(at, created) {
  const seconds = Math.max(0, (Date.parse(at) - Date.parse(created)) / 1000);
  return seconds < 60 ? `+${seconds.toFixed(1)} s` : `+${span(seconds)}`;
}

export function amount(kibibytes) {
  const mebibytes = kibibytes / 1024;
  if (mebibytes < 1024) return `${mebibytes.toFixed(0)} MiB`;
  const gibibytes = mebibytes / 1024;
  return gibibytes < 1024 ? `${gibibytes.toFixed(1)} GiB` : `${(gibibytes / 1024).toFixed(1)} TiB`;
}
