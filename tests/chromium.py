"""A browser for tests: Chromium's DevTools protocol over a pipe, with nothing to install."""

import base64
import json
import select
import subprocess
import time

# What is on the page, also inside of shadow roots, where innerText does not look.
_TEXT = """(() => {
  const texts = [];
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE && node.data.trim()) texts.push(node.data.trim());
    if (/^(STYLE|SCRIPT|NOSCRIPT|TEMPLATE)$/.test(node.nodeName)) return;
    if (node.shadowRoot) visit(node.shadowRoot);
    node.childNodes.forEach(visit);
  };
  visit(document.body);
  return texts.join("\\n");
})()"""

_SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Chromium:
    """A page in a headless browser, to be used in a ``with`` statement.

    Parameters
    ----------
    program : str
    profile : Path
        A folder that no other browser uses.
    size : (int, int), default=(1400, 900)
    """

    def __init__(self, program, profile, size=(1400, 900)):
        # The browser reads commands from file 3 and writes answers to file 4.
        pipes = ["sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null', "sh"]
        self._process = subprocess.Popen(
            [*pipes, program, *_SWITCHES, f"--user-data-dir={profile}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._received, self._number, self._session = b"", 0, {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": session["sessionId"]}
        screen = dict(zip(("width", "height"), size, strict=True))
        self.call("Emulation.setDeviceMetricsOverride", **screen, deviceScaleFactor=1, mobile=False)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._session = {}
        try:
            self.call("Browser.close")
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()

    def call(self, method, **params):
        """Send a command and give its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            pass  # events
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _receive(self):
        while b"\0" not in self._received:
            if not select.select([self._process.stdout], [], [], 60)[0]:
                raise TimeoutError("The browser does not answer.")
            part = self._process.stdout.read(65536)
            if not part:
                raise RuntimeError("The browser has ended.")
            self._received += part
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def run(self, script):
        """Give the value of some JavaScript."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def open(self, url, until, seconds=60):
        """Go to a page and give its text as soon as all of `until` is in it."""
        self.call("Page.navigate", url="about:blank")  # another fragment alone would load nothing
        self.call("Page.navigate", url=url)
        return self.wait_for(until, seconds)

    def wait_for(self, until, seconds=60):
        """Give the text of the page as soon as all of `until` is in it."""
        end = time.monotonic() + seconds
        while missing := [part for part in until if part not in (text := self.text())]:
            if time.monotonic() > end:
                raise TimeoutError(f"{missing} is not on the page, which says:\n{text}")
            time.sleep(0.2)
        return text

    def text(self):
        """Give the text on the page."""
        return self.run("document.body && " + _TEXT) or ""

    def screenshot(self, path):
        """Save the page as PNG."""
        image = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(image))
