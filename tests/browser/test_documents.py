"""W10 in the browser: filed from the customer's page, read by the worker, found in the one search box; and two gigabytes cut off."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import files

from .conftest import PHONE, Saw, Site, chip


@pytest.mark.clause("W10", "RECORD")
def test_filed_by_drop_found_by_its_words_given_out_and_a_second_version(
    shared: Site, saw: Saw, tmp_path: Path
) -> None:
    customer = shared.customer("沈静")
    paper = tmp_path / "按揭合同.docx"
    paper.write_bytes(files.docx("个人住房按揭贷款合同", "用途为购置学区房。"))
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    part = page.locator("#documents")
    expect(part.get_by_text("缺 身份证件")).to_be_visible()
    chip(page, "W10", saw)
    part.get_by_role("link", name="归档资料").click()
    page.get_by_label("业务").select_option(label="贷款")
    page.get_by_label("种类").select_option(label="合同协议")
    page.get_by_label("标题").fill("沈静按揭")
    big = tmp_path / "大.pdf"
    with big.open("wb") as file:
        file.truncate(51 << 20)
    page.get_by_label("文件", exact=True).set_input_files(big)
    expect(page.get_by_text("文件超过 50 MB，不予接收")).to_be_visible()
    page.get_by_label("文件", exact=True).set_input_files(paper)
    with shared.working():
        page.get_by_role("button", name="归档").click()
        expect(page.get_by_text("已归档。")).to_be_visible()
        expect(async_read(page)).to_be_visible()
    box = page.get_by_role("combobox", name="查找客户").or_(page.locator("#q")).first
    box.fill("学区房")
    hit = page.locator("#hits").get_by_role("option", name=re.compile("沈静按揭"))
    expect(hit.locator("mark")).to_have_text("学区房")
    hit.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="按揭合同.docx").click()
    assert Path(download.value.path()).read_bytes() == paper.read_bytes()

    phone = shared.person(size=PHONE)
    phone.goto(page.url)
    again = tmp_path / "补充.jpg"
    again.write_bytes(files.JPEG)
    phone.get_by_label("改了什么").fill("补充页")
    phone.get_by_label("或拍照").set_input_files(again)
    phone.get_by_role("button", name="归档").click()
    expect(phone.get_by_text("已归档为第 2 版")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def async_read(page):
    """The note that the text can be searched, once the worker has read it."""
    for _ in range(120):
        if page.get_by_text("可以按内容查找").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    return page.get_by_text("可以按内容查找")


def test_two_gigabytes_are_cut_off_and_fill_neither_memory_nor_disk(shared: Site, tmp_path: Path) -> None:
    """Sent as a browser does; what a sparse file of two gigabytes would bring is zeros."""
    from tests.cast import signed_in

    cookie = signed_in(shared.cast.rm, shared.now)
    host, _, port = shared.address.removeprefix("http://").partition(":")
    before, kept = memory(shared), on_disk()
    front = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n'
    head = (
        f"POST /documents/new/ HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: zhike_session={cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {2 << 30}\r\n\r\n"
    ).encode()
    sent, most, used = 0, 0, 0
    with socket.create_connection((host, int(port)), 30) as line:
        line.settimeout(30)
        line.sendall(head + front)
        try:
            while sent < 1 << 30:
                line.sendall(b"\0" * (1 << 20))
                sent += 1 << 20
                if sent % (16 << 20) == 0:
                    most, used = max(most, memory(shared)), max(used, on_disk())
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    assert sent < 256 << 20, "it was listened to far beyond the limit"
    assert most - before < 160 << 20
    assert used - kept < 70 << 20
    assert on_disk() <= kept + (1 << 20)
    page = shared.person()
    page.goto(f"{shared.address}/documents/")
    expect(page.get_by_role("heading", name="档案", exact=True)).to_be_visible()


def memory(site: Site) -> int:
    """What the web server and its children hold, in bytes."""
    assert site.process
    told = subprocess.run(["ps", "-o", "pid=,ppid=,rss=", "-A"], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in told.splitlines()]
    family = {site.process.pid}
    for pid, parent, _rss in rows:
        if parent in family:
            family.add(pid)
    return sum(rss for pid, _parent, rss in rows if pid in family) << 10


def on_disk() -> int:
    """What lies where uploads and records lie."""
    total = 0
    for folder in (Path(os.environ["ZHIKE_FILES"]), Path(os.environ.get("TMPDIR", "/tmp"))):
        for path in [*folder.glob("*.upload*"), *folder.glob("??/*")]:
            if path.is_file():
                total += path.stat().st_size
    return total
