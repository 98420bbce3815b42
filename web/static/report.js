// Adds to the report's form what needs the device: its place, and photos made smaller before they are sent.
"use strict";

const LONGEST_SIDE = 2048;
const SMALL_ENOUGH = 1_500_000;
const form = document.getElementById("report");
const told = document.getElementById("located");

function locate() {
  told.textContent = "…";
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      form.elements.lon.value = coords.longitude.toFixed(6);
      form.elements.lat.value = coords.latitude.toFixed(6);
      form.elements.unit_code.value = "";
      told.textContent = `${told.dataset.good} ${Math.round(coords.accuracy)} m.`;
    },
    () => {
      told.textContent = told.dataset.bad;
    },
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
  );
}

async function smaller(file) {
  if (file.size <= SMALL_ENOUGH) return file;
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const made = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  return made && made.size < file.size ? new File([made], "photo.jpg", { type: "image/jpeg" }) : file;
}

async function shrink({ target }) {
  const kept = new DataTransfer();
  for (const file of target.files) {
    // What this browser cannot read goes as it is: the service says what is wrong with it.
    kept.items.add(await smaller(file).catch(() => file));
  }
  target.files = kept.files;
}

if (navigator.geolocation && window.isSecureContext) {
  const offer = document.getElementById("locate");
  offer.hidden = false;
  offer.firstElementChild.addEventListener("click", locate);
}
form.elements.photo.addEventListener("change", shrink);
form.addEventListener("submit", () => {
  form.querySelector("button[type=submit]").disabled = true;
});
