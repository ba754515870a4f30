//! The walking path with the real engine and a real database.

mod accounts;
mod cloud;
mod house;
mod lab;
mod mishaps;
mod process;
mod release;
mod walk;
mod wire;
