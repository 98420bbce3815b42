"""Serves a FastCGI program behind nginx: ``python -m tests.bench.fcgi PORT FOLDER PROGRAM [NAME=VALUE …]``.

Two processes of the program, as many as the measuring machine has cores; everything ends with this one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

WORKERS = 2
START_S = 10.0
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 128; }}
http {{
    access_log off; client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream program {{ {servers} }}
    server {{
        listen 127.0.0.1:{port}; keepalive_requests 1000000;
        location / {{
            fastcgi_pass program; fastcgi_read_timeout 120; fastcgi_buffers 512 64k;
            fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
            fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param SCRIPT_NAME ""; fastcgi_param PATH_INFO $uri; fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param SERVER_NAME 127.0.0.1; fastcgi_param SERVER_PORT {port};
            fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param HTTP_HOST 127.0.0.1:{port};
        }}
    }}
}}
"""


def main() -> None:
    """Starts the program's processes and nginx, and ends them when told to end."""
    port, folder, program = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    env = {**os.environ, **dict(word.split("=", 1) for word in sys.argv[4:])}
    folder.mkdir(parents=True, exist_ok=True)
    sockets = [folder / f"{number}.sock" for number in range(WORKERS)]
    for socket in sockets:
        socket.unlink(missing_ok=True)
    children = [subprocess.Popen(["spawn-fcgi", "-n", "-s", str(path), "--", program], env=env) for path in sockets]
    deadline = time.monotonic() + START_S
    while not all(socket.exists() for socket in sockets) and time.monotonic() < deadline:
        time.sleep(0.05)
    servers = " ".join(f"server unix:{socket};" for socket in sockets)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, servers=servers, port=port))
    children.append(subprocess.Popen(["/usr/sbin/nginx", "-c", str(config)]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        children[-1].wait()
    finally:
        # A FastCGI program heeds no milder signal while it waits for its next request.
        for child in children:
            child.kill()


if __name__ == "__main__":
    main()
