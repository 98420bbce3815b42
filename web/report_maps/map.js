/* Texts of the data become text nodes only: nothing that a value holds is read as HTML. */
function textIn(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function popupOf(title, pairs) {
  const box = document.createElement('div');
  box.append(textIn('strong', title));
  const list = document.createElement('dl');
  for (const [name, value] of pairs) {
    if (value !== '') list.append(textIn('dt', name), textIn('dd', value));
  }
  box.append(list);
  return box;
}

function describeShape(feature, layer) {
  const { title, kind, facts } = feature.properties;
  const pairs = facts.map((value, place) => [REPORT.factTitles[place], value]);
  const kinds = REPORT.kinds.length > 1 ? [[REPORT.kindTitle, REPORT.kinds[kind]]] : [];
  layer.bindPopup(() => popupOf(title, kinds.concat(pairs)), { maxWidth: 340, maxHeight: 320 });
}

function describeUnit(feature, layer) {
  const { name, facts } = feature.properties;
  layer.bindTooltip(() => textIn('span', name), { sticky: true });
  if (facts.length > 0) layer.bindPopup(() => popupOf(name, facts), { maxWidth: 340 });
}

function finishMap(map, extent) {
  L.control.scale({ imperial: false, maxWidth: 160 }).addTo(map);
  map.fitBounds([[extent[1], extent[0]], [extent[3], extent[2]]], { animate: false });
  map.getContainer().setAttribute('role', 'application');
  map.getContainer().setAttribute('aria-label', REPORT.mapTitle);
  const north = L.control({ position: 'topright' });
  north.onAdd = () => {
    const arrow = textIn('div', '▲');
    arrow.className = 'north';
    arrow.append(textIn('span', REPORT.north));
    return arrow;
  };
  north.addTo(map);
}
