//! Environment maps are tabulated once, however many shots they light.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::EnvironmentTables;
use crate::shot::{Environment, EnvironmentMap};

/// The tables of the environment maps in use: kept as long as the map itself is.
#[derive(Debug, Default)]
pub struct TabulatedMaps {
    kept: Mutex<Vec<(Weak<EnvironmentMap>, Arc<EnvironmentTables>)>>,
}

impl TabulatedMaps {
    /// The tables of an environment; those of a map are made on first use.
    pub fn tables(&self, environment: &Environment) -> Arc<EnvironmentTables> {
        let Environment::LatLong { map, .. } = environment else { return Arc::new(EnvironmentTables::without_map()) };
        if let Some(known) = find(&self.kept(), map) {
            return known;
        }
        // Not while holding the lock: rayon may run another shot's preparation on this thread meanwhile.
        let tables = Arc::new(EnvironmentTables::new(map));
        let mut kept = self.kept();
        kept.retain(|(map, _)| map.strong_count() > 0);
        find(&kept, map).unwrap_or_else(|| {
            kept.push((Arc::downgrade(map), tables.clone()));
            tables
        })
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Weak<EnvironmentMap>, Arc<EnvironmentTables>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(
    kept: &[(Weak<EnvironmentMap>, Arc<EnvironmentTables>)],
    map: &Arc<EnvironmentMap>,
) -> Option<Arc<EnvironmentTables>> {
    // A map that was freed may have its address reused, so only a live one counts.
    let is_it = |known: &Weak<EnvironmentMap>| known.strong_count() > 0 && Weak::as_ptr(known) == Arc::as_ptr(map);
    kept.iter().find(|(known, _)| is_it(known)).map(|(_, tables)| tables.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit_by(map: &Arc<EnvironmentMap>) -> Environment {
        Environment::LatLong { map: map.clone(), rotation_x_rad: 0.0, rotation_y_rad: 0.0, strength: 1.0 }
    }

    #[test]
    fn a_map_is_tabulated_once_and_forgotten_with_its_last_owner() {
        let map = || Arc::new(EnvironmentMap { width_px: 4, height_px: 2, rgb: vec![[1.0; 3]; 8] });
        let maps = TabulatedMaps::default();
        let (a, b) = (map(), map());
        let tables = maps.tables(&lit_by(&a));
        assert!(Arc::ptr_eq(&tables, &maps.tables(&lit_by(&a))));
        assert!(!Arc::ptr_eq(&tables, &maps.tables(&lit_by(&b))), "equal maps are two maps");
        let of_dropped = Arc::downgrade(&tables);
        drop((a, tables));
        maps.tables(&lit_by(&map()));
        assert!(of_dropped.upgrade().is_none(), "tables of a dropped map are dropped");
        assert!(Arc::ptr_eq(&maps.tables(&lit_by(&b)), &maps.tables(&lit_by(&b))));
    }
}
