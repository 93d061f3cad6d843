CREATE TABLE "__EFMigrationsHistory" (
    "MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY,
    "ProductVersion" TEXT NOT NULL
);
CREATE TABLE "users" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_users" PRIMARY KEY AUTOINCREMENT,
    "email" TEXT NULL,
    "normalized_email" TEXT NULL,
    "password_hash" TEXT NOT NULL,
    "created_at" TEXT NOT NULL
, "email_verified_at" TEXT NULL, "pending_email" TEXT NULL, "pending_session_id" INTEGER NULL, "disabled_at" TEXT NULL, "external_id" TEXT NULL, "guest_since" TEXT NULL);
CREATE TABLE "user_profiles" (
    "user_id" INTEGER NOT NULL CONSTRAINT "PK_user_profiles" PRIMARY KEY,
    "name" TEXT NOT NULL,
    "image_key" TEXT NULL,
    "image_url" TEXT NULL,
    "version" INTEGER NOT NULL,
    "updated_at" TEXT NOT NULL, "image_bytes" INTEGER NULL, "image_dominant_color" TEXT NULL, "image_height" INTEGER NULL, "image_thumbhash" TEXT NULL, "image_updated_at" TEXT NULL, "image_width" INTEGER NULL, "bio" TEXT NULL, "birth_date" TEXT NULL, "is_public" INTEGER NOT NULL DEFAULT 0, "locale" TEXT NULL, "metadata" TEXT NULL, "phone" TEXT NULL, "time_zone" TEXT NULL, "username" TEXT NULL,
    CONSTRAINT "FK_user_profiles_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ux_users_normalized_email" ON "users" ("normalized_email");
CREATE TABLE "outbox" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_outbox" PRIMARY KEY AUTOINCREMENT,
    "store" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "user_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "created_at" TEXT NOT NULL,
    "due_at" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL
, "mail" INTEGER NULL, "network" TEXT NULL, "failure" TEXT NULL, "payload" TEXT NULL);
CREATE TABLE "idempotent_answers" (
    "key_hash" BLOB NOT NULL CONSTRAINT "PK_idempotent_answers" PRIMARY KEY,
    "user_id" INTEGER NULL,
    "request_hash" BLOB NOT NULL,
    "status" INTEGER NULL,
    "headers" TEXT NULL,
    "body" BLOB NULL,
    "created_at" TEXT NOT NULL,
    CONSTRAINT "FK_idempotent_answers_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "one_time_tokens" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_one_time_tokens" PRIMARY KEY AUTOINCREMENT,
    "user_id" INTEGER NOT NULL,
    "purpose" INTEGER NOT NULL,
    "token_hash" BLOB NOT NULL,
    "normalized_email" TEXT NOT NULL,
    "expires_at" TEXT NOT NULL,
    CONSTRAINT "FK_one_time_tokens_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "rate_limits" (
    "key_hash" BLOB NOT NULL CONSTRAINT "PK_rate_limits" PRIMARY KEY,
    "count" INTEGER NOT NULL,
    "ends_at" TEXT NOT NULL
);
CREATE TABLE "security_events" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_security_events" PRIMARY KEY AUTOINCREMENT,
    "user_id" INTEGER NOT NULL,
    "kind" INTEGER NOT NULL,
    "at" TEXT NOT NULL,
    "device" TEXT NULL,
    "network" TEXT NULL,
    CONSTRAINT "FK_security_events_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "sessions" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_sessions" PRIMARY KEY AUTOINCREMENT,
    "user_id" INTEGER NOT NULL,
    "device" TEXT NULL,
    "family_hash" BLOB NOT NULL,
    "token_hash" BLOB NOT NULL,
    "previous_hash" BLOB NULL,
    "successor" BLOB NULL,
    "rotated_at" TEXT NULL,
    "created_at" TEXT NOT NULL,
    "last_used_at" TEXT NOT NULL, "authenticated_at" TEXT NULL, "methods" TEXT NULL,
    CONSTRAINT "FK_sessions_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX "ix_outbox_user_id" ON "outbox" ("user_id");
CREATE UNIQUE INDEX "ux_user_profiles_username" ON "user_profiles" ("username");
CREATE INDEX "ix_idempotent_answers_created_at" ON "idempotent_answers" ("created_at");
CREATE INDEX "ix_idempotent_answers_user_id" ON "idempotent_answers" ("user_id");
CREATE INDEX "ix_one_time_tokens_expires_at" ON "one_time_tokens" ("expires_at");
CREATE INDEX "ix_one_time_tokens_user_id" ON "one_time_tokens" ("user_id");
CREATE UNIQUE INDEX "ux_one_time_tokens_token_hash" ON "one_time_tokens" ("token_hash");
CREATE INDEX "ix_rate_limits_ends_at" ON "rate_limits" ("ends_at");
CREATE INDEX "ix_security_events_at" ON "security_events" ("at");
CREATE INDEX "ix_security_events_user_id_at" ON "security_events" ("user_id", "at");
CREATE INDEX "ix_sessions_last_used_at" ON "sessions" ("last_used_at");
CREATE INDEX "ix_sessions_user_id" ON "sessions" ("user_id");
CREATE UNIQUE INDEX "ux_sessions_family_hash" ON "sessions" ("family_hash");
CREATE TABLE "waiting_registrations" (
    "normalized_email" TEXT NOT NULL CONSTRAINT "PK_waiting_registrations" PRIMARY KEY,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "created_at" TEXT NOT NULL,
    "token_hash" BLOB NULL,
    "token_purpose" INTEGER NULL,
    "token_expires_at" TEXT NULL
);
CREATE INDEX "ix_waiting_registrations_created_at" ON "waiting_registrations" ("created_at");
CREATE UNIQUE INDEX "ux_waiting_registrations_token_hash" ON "waiting_registrations" ("token_hash");
CREATE TABLE "admin_keys" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_admin_keys" PRIMARY KEY AUTOINCREMENT,
    "name" TEXT NOT NULL,
    "hash" BLOB NOT NULL,
    "scopes" TEXT NOT NULL,
    "created_at" TEXT NOT NULL
);
CREATE TABLE "audit_log" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_audit_log" PRIMARY KEY AUTOINCREMENT,
    "at" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "user_id" INTEGER NULL,
    "detail" TEXT NULL
);
CREATE TABLE "webhook_endpoints" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_webhook_endpoints" PRIMARY KEY AUTOINCREMENT,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "events" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "previous_secret" TEXT NULL,
    "previous_secret_until" TEXT NULL,
    "created_at" TEXT NOT NULL
);
CREATE INDEX "ix_outbox_store_due_at" ON "outbox" ("store", "due_at");
CREATE INDEX "ix_outbox_store_key_due_at" ON "outbox" ("store", "key", "due_at") WHERE payload IS NOT NULL;
CREATE INDEX "ix_sessions_rotated_at" ON "sessions" ("rotated_at") WHERE successor IS NOT NULL;
CREATE UNIQUE INDEX "ux_users_external_id" ON "users" ("external_id") WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX "ux_admin_keys_hash" ON "admin_keys" ("hash");
CREATE UNIQUE INDEX "ux_admin_keys_name" ON "admin_keys" ("name");
CREATE INDEX "ix_audit_log_at" ON "audit_log" ("at");
CREATE INDEX "ix_audit_log_user_id_id" ON "audit_log" ("user_id", "id");
CREATE UNIQUE INDEX "ux_webhook_endpoints_name" ON "webhook_endpoints" ("name");
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END;
CREATE TABLE "challenges" (
    "hash" BLOB NOT NULL CONSTRAINT "PK_challenges" PRIMARY KEY,
    "kind" INTEGER NOT NULL,
    "user_id" INTEGER NULL,
    "session_id" INTEGER NULL,
    "data" TEXT NOT NULL,
    "tries" INTEGER NOT NULL,
    "expires_at" TEXT NOT NULL,
    CONSTRAINT "FK_challenges_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "identities" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_identities" PRIMARY KEY AUTOINCREMENT,
    "user_id" INTEGER NOT NULL,
    "provider" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "email" TEXT NULL,
    "created_at" TEXT NOT NULL,
    "last_used_at" TEXT NULL,
    "refresh_token" TEXT NULL,
    CONSTRAINT "FK_identities_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "mail_codes" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_mail_codes" PRIMARY KEY AUTOINCREMENT,
    "purpose" INTEGER NOT NULL,
    "request_hash" BLOB NOT NULL,
    "normalized_email" TEXT NOT NULL,
    "nonce" BLOB NULL,
    "tries" INTEGER NOT NULL,
    "expires_at" TEXT NOT NULL
);
CREATE TABLE "passkeys" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_passkeys" PRIMARY KEY AUTOINCREMENT,
    "user_id" INTEGER NOT NULL,
    "credential_id" BLOB NOT NULL,
    "user_handle" BLOB NOT NULL,
    "public_key" BLOB NOT NULL,
    "sign_count" INTEGER NOT NULL,
    "aaguid" TEXT NOT NULL,
    "transports" TEXT NOT NULL,
    "is_backup_eligible" INTEGER NOT NULL,
    "is_backed_up" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TEXT NOT NULL,
    "last_used_at" TEXT NULL,
    CONSTRAINT "FK_passkeys_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "recovery_codes" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_recovery_codes" PRIMARY KEY AUTOINCREMENT,
    "user_id" INTEGER NOT NULL,
    "code_hash" BLOB NOT NULL,
    CONSTRAINT "FK_recovery_codes_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE "second_factors" (
    "user_id" INTEGER NOT NULL CONSTRAINT "PK_second_factors" PRIMARY KEY,
    "secret" TEXT NOT NULL,
    "confirmed_at" TEXT NULL,
    "last_step" INTEGER NULL,
    CONSTRAINT "FK_second_factors_users_user_id" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX "ix_users_guest_since" ON "users" ("guest_since") WHERE guest_since IS NOT NULL;
CREATE INDEX "ix_users_without_address" ON "users" ("id") WHERE normalized_email IS NULL;
CREATE INDEX "ix_challenges_expires_at" ON "challenges" ("expires_at");
CREATE INDEX "ix_challenges_user_id" ON "challenges" ("user_id");
CREATE INDEX "ix_identities_user_id" ON "identities" ("user_id");
CREATE UNIQUE INDEX "ux_identities_provider_subject" ON "identities" ("provider", "subject");
CREATE INDEX "ix_mail_codes_expires_at" ON "mail_codes" ("expires_at");
CREATE INDEX "ix_mail_codes_normalized_email" ON "mail_codes" ("normalized_email");
CREATE UNIQUE INDEX "ux_mail_codes_request_hash" ON "mail_codes" ("request_hash");
CREATE INDEX "ix_passkeys_user_id" ON "passkeys" ("user_id");
CREATE UNIQUE INDEX "ux_passkeys_credential_id" ON "passkeys" ("credential_id");
CREATE INDEX "ix_recovery_codes_user_id" ON "recovery_codes" ("user_id");
CREATE UNIQUE INDEX "ux_recovery_codes_code_hash" ON "recovery_codes" ("code_hash");
INSERT INTO "__EFMigrationsHistory" VALUES ('20261121050327_Initial', '10.0.15');
INSERT INTO "__EFMigrationsHistory" VALUES ('20261121111104_Outbox', '10.0.15');
INSERT INTO "__EFMigrationsHistory" VALUES ('20261121144538_Accounts', '10.0.15');
INSERT INTO "__EFMigrationsHistory" VALUES ('20261125141500_UnguessableImageAddresses', '10.0.15');
INSERT INTO "__EFMigrationsHistory" VALUES ('20261125142723_Registrations', '10.0.15');
INSERT INTO "__EFMigrationsHistory" VALUES ('20261129195302_OperatorTables', '10.0.15');
INSERT INTO "__EFMigrationsHistory" VALUES ('20261130020656_WaysIn', '10.0.15');
