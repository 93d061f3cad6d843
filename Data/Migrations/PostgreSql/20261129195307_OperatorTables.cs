using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Profiles.Data.Migrations.PostgreSql
{
    /// <inheritdoc />
    public partial class OperatorTables : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // Instances of the version before serve on meanwhile. No lock is waited for longer than a second, since all requests would wait
            // behind it; the start retries. Whether nothing reads for long, as a backup does, is found out first. Then only those who write
            // wait while the indexes are built, before they hold any lock, and nobody reads the users only at the end.
            migrationBuilder.Sql(
                """
                SET LOCAL lock_timeout = '1s';
                DO $$ BEGIN
                    LOCK TABLE users IN ACCESS EXCLUSIVE MODE;
                    RAISE EXCEPTION USING ERRCODE = 'PF001';
                EXCEPTION WHEN SQLSTATE 'PF001' THEN NULL;
                END $$;
                LOCK TABLE user_profiles, users, outbox, sessions IN SHARE ROW EXCLUSIVE MODE;
                """);

            migrationBuilder.CreateTable(
                name: "admin_keys",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    name = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    hash = table.Column<byte[]>(type: "bytea", maxLength: 32, nullable: false),
                    scopes = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false, collation: "C"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_admin_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audit_log",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    actor = table.Column<string>(type: "character varying(150)", maxLength: 150, nullable: false, collation: "C"),
                    action = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false, collation: "C"),
                    user_id = table.Column<long>(type: "bigint", nullable: true),
                    detail = table.Column<string>(type: "character varying(500)", maxLength: 500, nullable: true, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_log", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "signing_key_ring",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(43)", maxLength: 43, nullable: false, collation: "C"),
                    value = table.Column<string>(type: "character varying(1000)", maxLength: 1000, nullable: false, collation: "C"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    activated_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    retired_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_signing_key_ring", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "webhook_endpoints",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    name = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    url = table.Column<string>(type: "character varying(2000)", maxLength: 2000, nullable: false, collation: "C"),
                    events = table.Column<string>(type: "character varying(500)", maxLength: 500, nullable: false, collation: "C"),
                    secret = table.Column<string>(type: "character varying(300)", maxLength: 300, nullable: false, collation: "C"),
                    previous_secret = table.Column<string>(type: "character varying(300)", maxLength: 300, nullable: true, collation: "C"),
                    previous_secret_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_webhook_endpoints", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_sessions_rotated_at",
                table: "sessions",
                column: "rotated_at",
                filter: "successor IS NOT NULL");

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
                """
                CREATE FUNCTION refuse_audit_update() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'The audit log is append-only.'; END $$;
                CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_audit_update();
                """);

            migrationBuilder.AddColumn<string>(
                name: "failure",
                table: "outbox",
                type: "character varying(100)",
                maxLength: 100,
                nullable: true,
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "payload",
                table: "outbox",
                type: "character varying(2000)",
                maxLength: 2000,
                nullable: true,
                collation: "C");

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

            migrationBuilder.AlterColumn<string>(
                name: "password_hash",
                table: "users",
                type: "character varying(500)",
                maxLength: 500,
                nullable: false,
                collation: "C",
                oldClrType: typeof(string),
                oldType: "character varying(60)",
                oldMaxLength: 60,
                oldCollation: "C");

            migrationBuilder.AddColumn<DateTime>(
                name: "disabled_at",
                table: "users",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "external_id",
                table: "users",
                type: "character varying(255)",
                maxLength: 255,
                nullable: true,
                collation: "C");

            migrationBuilder.CreateIndex(
                name: "ux_users_external_id",
                table: "users",
                column: "external_id",
                unique: true,
                filter: "external_id IS NOT NULL");
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

            migrationBuilder.Sql("DROP FUNCTION refuse_audit_update");

            migrationBuilder.DropTable(
                name: "signing_key_ring");

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

            migrationBuilder.AlterColumn<string>(
                name: "password_hash",
                table: "users",
                type: "character varying(60)",
                maxLength: 60,
                nullable: false,
                collation: "C",
                oldClrType: typeof(string),
                oldType: "character varying(500)",
                oldMaxLength: 500,
                oldCollation: "C");
        }
    }
}
