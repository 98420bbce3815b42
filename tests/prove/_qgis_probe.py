"""Opens the service in QGIS and prints what QGIS made of it as JSON; run by QGIS's own Python, without the project."""

import json
import sys
import time

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize


def open_layer(url, name, extra=""):
    return QgsVectorLayer(f"url='{url}/ogc' typename='{name}' {extra}", name, "OAPIF")


def ids_of(layer, request=None):
    found = layer.getFeatures(request) if request else layer.getFeatures()
    return sorted(feature["fid"] if "fid" in feature.fields().names() else feature.id() for feature in found)


def point_of(layer):
    feature = next(layer.getFeatures(QgsFeatureRequest().setLimit(1)))
    point = feature.geometry().asPoint()
    return feature["name"], point.x(), point.y()


def tile_picture(url, extent):
    source = f"type=xyz&url={url}/tiles/parcels/{{z}}/{{x}}/{{y}}.pbf&zmin=0&zmax=16"
    layer = QgsVectorTileLayer(source, "tiles")
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(512, 512))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(QgsRectangle(*extent))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    ground = image.pixel(0, 0)
    drawn = sum(image.pixel(x, y) != ground for x in range(0, 512, 4) for y in range(0, 512, 4))
    return {"valid": layer.isValid(), "drawn": drawn}


def probe(url, box, name, extent):
    parcels = open_layer(url, "parcels")
    schools = open_layer(url, "schools")
    told = {
        "version": Qgis.QGIS_VERSION,
        "valid": parcels.isValid() and schools.isValid(),
        "count": parcels.featureCount(),
        "crs": parcels.crs().authid(),
        "fields": {field.name(): field.typeName() for field in parcels.fields()},
    }
    started = time.time()
    told["read"] = len(list(parcels.getFeatures()))
    told["read_s"] = round(time.time() - started, 1)
    told["in_box"] = len(
        list(
            open_layer(url, "parcels", "restrictToRequestBBOX='1'").getFeatures(
                QgsFeatureRequest().setFilterRect(QgsRectangle(*box))
            )
        )
    )
    told["point"] = point_of(schools)
    filtered = open_layer(url, "schools")
    told["filter_set"] = filtered.setSubsetString(f"name = '{name}'")
    told["filtered"] = [feature["name"] for feature in filtered.getFeatures()]
    metres = open_layer(url, "schools", "srsname='EPSG:9215'")
    told["metres"] = {"valid": metres.isValid(), "crs": metres.crs().authid(), "point": point_of(metres)}
    told["editable"] = bool(schools.dataProvider().capabilities() & schools.dataProvider().EditingCapabilities)
    told["tiles"] = tile_picture(url, extent)
    return told


def main():
    application = QgsApplication([], False)
    application.initQgis()
    try:
        print(json.dumps(probe(**json.loads(sys.argv[1])), ensure_ascii=False))  # noqa: T201 - read by the proof
    finally:
        application.exitQgis()


if __name__ == "__main__":
    main()
