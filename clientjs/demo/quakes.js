// The earthquakes in words: a row's payload is a whole GeoJSON feature.

export const quakeTopic = "quakes:week";

/** What the page says of one earthquake. */
export function quakeOf({ entity_id, version, payload }) {
  const { mag, place, time, status } = payload.properties;
  const [lon, lat, depth] = payload.geometry.coordinates;
  return {
    id: entity_id,
    version,
    mag: mag ?? 0,
    place: place ?? "Unknown place",
    time,
    status,
    lon,
    lat,
    depth: depth ?? 0,
  };
}

/** The earthquakes that something happened to last, newest first. */
export function latestQuakes(rows, count) {
  return [...rows.values()]
    .toSorted((a, b) => b.version - a.version)
    .slice(0, count)
    .map(quakeOf);
}

/** How deep it was. Negative depths are those of mountains. */
export function sayDepth(km) {
  return km < 0.5 ? "at the surface" : `${Math.round(km)} km deep`;
}

const clockFace = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** The day of the week and the time, in UTC. */
export function sayTime(millis) {
  return clockFace.format(millis).replace(",", "");
}

/** strong, moderate, light or minor: how much a magnitude stands out. */
export function strength(mag) {
  if (mag >= 6) return "strong";
  if (mag >= 4.5) return "moderate";
  return mag >= 2.5 ? "light" : "minor";
}
