"""A headless Chromium that is driven over a pipe (Chrome DevTools Protocol), with Python's own library alone."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time


class Chromium:
    """One page at a time. `messages` holds what the console said and what was thrown since the last open()."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            raise SystemExit("chromium is missing: apt-get install chromium")
        self._profile = tempfile.TemporaryDirectory()
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
                   "--disable-background-networking", "--hide-scrollbars",
                   f"--user-data-dir={self._profile.name}", "--remote-debugging-pipe"]

        def connect():  # the browser reads commands from 3 and answers on 4
            reads, writes = os.dup(to_browser), os.dup(from_browser)
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self._browser = subprocess.Popen(command, close_fds=False, preexec_fn=connect, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._count = 0
        self.messages = []
        target = self._send("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._browser.kill()
        self._browser.wait()
        os.close(self._out)
        os.close(self._in)
        self._profile.cleanup()

    def _receive(self):
        while b"\0" not in self._buffer:
            piece = os.read(self._in, 1 << 20)
            if not piece:
                raise RuntimeError("chromium has ended")
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(message)
        method, detail = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.messages.append(detail["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        if method == "Log.entryAdded":
            self.messages.append(detail["entry"]["text"])
        if method == "Runtime.consoleAPICalled":
            self.messages.append(str([a.get("value") for a in detail["args"]]))
        return message

    def _send(self, method, params=None):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params or {}}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, path, width=1000, height=1200, dark=False):
        self.messages = []
        self._send("Emulation.setDeviceMetricsOverride",
                   {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", {"features": [scheme]})
        self._send("Page.navigate", {"url": "file://" + os.path.abspath(path)})
        deadline = time.monotonic() + 60
        while self.run("document.readyState") != "complete" or self.run("location.href") == "about:blank":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} does not load")
            time.sleep(0.02)

    def run(self, script):
        """The value of an expression on the page."""
        answer = self._send("Runtime.evaluate", {"expression": script, "returnByValue": True})
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def press(self, key):
        for kind in ("rawKeyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key,
                                                  "windowsVirtualKeyCode": {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}[key]})

    def point_at(self, selector):
        """Moves the mouse to the middle of the first element that is shown. Returns where that is."""
        box = self.run(f"(() => {{ const e = [...document.querySelectorAll({json.dumps(selector)})].find(e => e.getClientRects().length);"
                       "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
                       "return [b.x + b.width / 2, b.y + b.height / 2]; })()")
        self._send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": box[0], "y": box[1]})
        return box

    def drag(self, selector, down):
        """Drags the element's middle by so many pixels down, in two moves."""
        x, y = self.point_at(selector)
        for kind, to in (("mousePressed", 0), ("mouseMoved", down / 2), ("mouseMoved", down), ("mouseReleased", down)):
            self._send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y + to, "button": "left", "buttons": 1, "clickCount": 1})

    def picture(self, path):
        data = self._send("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
