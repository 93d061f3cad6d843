using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Profiles.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class OperatorTables : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTime>(
                name: "disabled_at",
                table: "users",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "external_id",
                table: "users",
                type: "TEXT",
                maxLength: 255,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "failure",
                table: "outbox",
                type: "TEXT",
                maxLength: 100,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "payload",
                table: "outbox",
                type: "TEXT",
                maxLength: 2000,
                nullable: true);

            migrationBuilder.CreateTable(
                name: "admin_keys",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    hash = table.Column<byte[]>(type: "BLOB", maxLength: 32, nullable: false),
                    scopes = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_admin_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audit_log",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    actor = table.Column<string>(type: "TEXT", maxLength: 150, nullable: false),
                    action = table.Column<string>(type: "TEXT", maxLength: 50, nullable: false),
                    user_id = table.Column<long>(type: "INTEGER", nullable: true),
                    detail = table.Column<string>(type: "TEXT", maxLength: 500, nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_log", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "webhook_endpoints",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    url = table.Column<string>(type: "TEXT", maxLength: 2000, nullable: false),
                    events = table.Column<string>(type: "TEXT", maxLength: 500, nullable: false),
                    secret = table.Column<string>(type: "TEXT", maxLength: 300, nullable: false),
                    previous_secret = table.Column<string>(type: "TEXT", maxLength: 300, nullable: true),
                    previous_secret_until = table.Column<DateTime>(type: "TEXT", nullable: true),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_webhook_endpoints", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_outbox_store_due_at",
                table: "outbox",
                columns: new[] { "store", "due_at" });

            migrationBuilder.CreateIndex(
                name: "ix_outbox_store_key_due_at",
                table: "outbox",
                columns: new[] { "store", "key", "due_at" },
                filter: "payload IS NOT NULL");

            migrationBuilder.DropIndex(
                name: "ix_outbox_due_at",
                table: "outbox");

            migrationBuilder.CreateIndex(
                name: "ix_sessions_rotated_at",
                table: "sessions",
                column: "rotated_at",
                filter: "successor IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ux_users_external_id",
                table: "users",
                column: "external_id",
                unique: true,
                filter: "external_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ux_admin_keys_hash",
                table: "admin_keys",
                column: "hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ux_admin_keys_name",
                table: "admin_keys",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_audit_log_at",
                table: "audit_log",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_audit_log_user_id_id",
                table: "audit_log",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ux_webhook_endpoints_name",
                table: "webhook_endpoints",
                column: "name",
                unique: true);

            migrationBuilder.Sql(
                "CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log "
                    + "BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_sessions_rotated_at",
                table: "sessions");

            migrationBuilder.DropTable(
                name: "admin_keys");

            migrationBuilder.DropTable(
                name: "audit_log");

            migrationBuilder.DropTable(
                name: "webhook_endpoints");

            migrationBuilder.DropIndex(
                name: "ux_users_external_id",
                table: "users");

            migrationBuilder.DropColumn(
                name: "disabled_at",
                table: "users");

            migrationBuilder.DropColumn(
                name: "external_id",
                table: "users");

            migrationBuilder.DropIndex(
                name: "ix_outbox_store_due_at",
                table: "outbox");

            migrationBuilder.DropIndex(
                name: "ix_outbox_store_key_due_at",
                table: "outbox");

            migrationBuilder.CreateIndex(
                name: "ix_outbox_due_at",
                table: "outbox",
                column: "due_at");

            migrationBuilder.DropColumn(
                name: "failure",
                table: "outbox");

            migrationBuilder.DropColumn(
                name: "payload",
                table: "outbox");
        }
    }
}
