//! O19, O52, O53: products out of spreadsheets.

use std::io::{Cursor, Write};

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp};
use crate::glb::Glb;

async fn import(guest: &Guest<'_>, sheet: Vec<u8>) -> Reply {
    let form = Form::new().part("file", Part::bytes(sheet).file_name("products"));
    Reply::of(guest.request(Method::POST, "/api/v1/imports").multipart(form)).await
}

/// A workbook with one sheet of these rows: text in line, and numbers as numbers.
fn workbook(rows: &[Vec<Value>]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OF: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let cell = |(row, column): (usize, usize), value: &Value| {
        let at = format!("{}{}", char::from(b'A' + u8::try_from(column).expect("few columns")), row + 1);
        match value {
            Value::String(text) => format!(r#"<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>"#),
            value => format!(r#"<c r="{at}"><v>{value}</v></c>"#),
        }
    };
    let row = |(number, values): (usize, &Vec<Value>)| {
        let cells: String = values.iter().enumerate().map(|(column, value)| cell((number, column), value)).collect();
        format!(r#"<row r="{}">{cells}</row>"#, number + 1)
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    let parts = [
        (
            "[Content_Types].xml",
            format!(
                r#"<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#
            ),
        ),
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OF}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{MAIN}" xmlns:r="{OF}"><sheets><sheet name="Products" sheetId="1" r:id="r1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OF}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#)),
    ];
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("a workbook").into_inner()
}

async fn product(guest: &Guest<'_>, pim_id: &str) -> Value {
    let page = guest.get(&format!("/api/v1/products?pim_id={pim_id}")).await.json();
    page["items"][0].clone()
}

cases! {
    async fn o19_o52_each_row_is_taken_or_says_why_not(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let header = vec![json!("name"), json!("pim_id")];
        let rows = (1..=20).map(|n| match n {
            1..=8 => vec![json!(format!("Lager {n}")), json!(6200 + n)],
            _ => vec![json!(format!("Lager {n}"))],
        });
        let sheet = workbook(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
        let first = import(&guest, sheet.clone()).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let first = first.json();
        assert_eq!((&first["imported"], &first["updated"], &first["skipped"]), (&json!(8), &json!(0), &json!(12)));
        let rows = first["rows"].as_array().expect("a list");
        let missing = rows.iter().filter(|row| row["code"] == "missing_pim_id" && row["status"] == "skipped");
        assert_eq!((rows.len(), missing.count(), &rows[0]), (20, 12, &json!({"row": 2, "status": "imported", "code": null, "detail": null})));
        assert_eq!(product(&guest, "6203").await["name"], "Lager 3", "a number is an id as it is written");
        let again = import(&guest, sheet).await.json();
        assert_eq!((&again["imported"], &again["updated"], &again["skipped"]), (&json!(0), &json!(8), &json!(12)));
        assert_ne!(again["id"], first["id"]);
        assert_eq!(guest.get("/api/v1/products").await.json()["items"].as_array().map(Vec::len), Some(8), "no duplicates");
    }

    async fn o19_columns_of_every_kind(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let file = Form::new().part("file", Part::bytes(Glb::parts(&["Body", "Ring"]).bytes()).file_name("6204.glb"));
        let file = Reply::of(guest.request(Method::POST, "/api/v1/cad-files").multipart(file)).await.json();
        let sheet = "pim_id;name;lagertyp;category_key;cad_file;part:Body;Preis\r\n\
                     6204;Lager;Rillenkugellager;ball;6204.glb;Steel;12,90\r\n\
                     6205;Lager;;;6205.glb;;\r\n\
                     6206;;;;;;\r\n\
                     6204;Lager;;;;;\r\n\
                     6207;Gehäuse;;;;;\r\n";
        let done = import(&guest, sheet.as_bytes().to_vec()).await.json();
        let codes: Vec<&Value> = done["rows"].as_array().expect("a list").iter().map(|row| &row["code"]).collect();
        assert_eq!(codes, [&json!(null), &json!("unknown_cad_file"), &json!("missing_name"), &json!("duplicate_pim_id"), &json!(null)], "{done}");
        assert_eq!(done["ignored_columns"], json!(["Preis"]));
        let made = product(&guest, "6204").await;
        let steel = json!([{"part_name": "Body", "material": "Steel"}]);
        assert_eq!((&made["lagertyp"], &made["category_key"], &made["cad_file_id"], &made["cad_part_materials"]), (&json!("Rillenkugellager"), &json!("ball"), &file["id"], &steel));
        // An empty cell leaves things as they are; a part that is named is added.
        let sheet = "name,pim_id,part:Ring,lagertyp\nKugellager,6204,Brass,\n";
        assert_eq!(import(&guest, sheet.as_bytes().to_vec()).await.json()["updated"], 1);
        let changed = product(&guest, "6204").await;
        let both = json!([{"part_name": "Body", "material": "Steel"}, {"part_name": "Ring", "material": "Brass"}]);
        assert_eq!((&changed["name"], &changed["lagertyp"], &changed["cad_part_materials"]), (&json!("Kugellager"), &json!("Rillenkugellager"), &both));
    }

    async fn o53_bad_sheets(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let refused = import(&guest, b"name;colour\nLager;red\n".to_vec()).await;
        assert_eq!((refused.problem(), refused.pointers()), ((422, "missing_column".to_owned()), vec!["/file".to_owned()]));
        assert!(refused.text().contains("`pim_id`"), "{}", refused.text());
        for sheet in [b"\x89PNG\r\n\x1a\n\0".to_vec(), b"PK\x03\x04".to_vec(), b"pim_id,name,name\n1,a,b\n".to_vec()] {
            assert_eq!(import(&guest, sheet).await.problem(), (422, "unreadable_sheet".to_owned()));
        }
        for sheet in [Vec::new(), b"pim_id,name\n".to_vec(), workbook(&[])] {
            let done = import(&guest, sheet).await;
            assert_eq!((done.status, &done.json()["imported"]), (201, &json!(0)), "{}", done.text());
        }
        let (_, client) = app.tenant_key("beta", Role::Client, &[Scope::Admin]).await;
        assert_eq!(import(&app.with_key(&client), Vec::new()).await.problem(), (403, "forbidden".to_owned()));
    }
}
