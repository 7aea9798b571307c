; SPDX-License-Identifier: GPL-3.0-or-later
;
; The words of GIMP 3 for common.scm and test-gimp.py.

(define (image-width image) (car (gimp-image-get-width image)))
(define (image-height image) (car (gimp-image-get-height image)))
(define (image-base-type image) (car (gimp-image-get-base-type image)))
(define (drawable-width drawable) (car (gimp-drawable-get-width drawable)))
(define (drawable-height drawable) (car (gimp-drawable-get-height drawable)))
(define (drawable-offsets drawable) (gimp-drawable-get-offsets drawable))

(define (image-valid image)
  (car (gimp-image-id-is-valid image)))

(define (file-load path)
  (car (gimp-file-load RUN-NONINTERACTIVE path)))

(define (tiff-save image path)
  (file-tiff-export #:run-mode RUN-NONINTERACTIVE #:image image #:file path
                    #:include-color-profile TRUE))

(define (new-image width height type precision)
  (car (gimp-image-new-with-precision width height type precision)))

(define (new-layer image)
  (car (gimp-layer-new image "layer" (image-width image) (image-height image) RGB-IMAGE 100
                       LAYER-MODE-NORMAL)))

(define (new-text image text)
  (let ((layer (car (gimp-text-layer-new image text (car (gimp-context-get-font)) 20 UNIT-PIXEL))))
    (gimp-image-insert-layer image layer 0 0)
    layer))

(define (is-text layer)
  (car (gimp-item-id-is-text-layer layer)))

(define (new-group image name)
  (car (gimp-group-layer-new image name)))

(define (new-channel image name)
  (car (gimp-channel-new image name (image-width image) (image-height image) 50 '(255 0 0))))

(define (new-path image name points)
  (let ((path (car (gimp-path-new image name))))
    (gimp-image-insert-path image path 0 0)
    (gimp-path-stroke-new-from-points path PATH-STROKE-TYPE-BEZIER points FALSE)))

(define (path-facts image)
  (map (lambda (path)
         (map (lambda (stroke) (cadr (gimp-path-stroke-get-points path stroke)))
              (ids (gimp-path-get-strokes path))))
       (ids (gimp-image-get-paths image))))

(define (convert-indexed image)
  (gimp-image-convert-indexed image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 16 FALSE FALSE ""))

(define (upscale image layers scale model scope)
  (plug-in-atelier-upscale #:run-mode RUN-NONINTERACTIVE #:image image
                           #:drawables (list->vector layers) #:scale scale #:model model
                           #:scope (if (eq? scope 'layers) "layers" "image")))

; Asks the user.
(define (upscale-interactively image)
  (plug-in-atelier-upscale #:run-mode RUN-INTERACTIVE #:image image
                           #:drawables (list->vector (ids (gimp-image-get-layers image)))))

(define (upscale-again image)
  (plug-in-atelier-upscale #:run-mode RUN-WITH-LAST-VALS #:image image
                           #:drawables (list->vector (ids (gimp-image-get-layers image)))))

(define (float image layer)
  (gimp-edit-copy (vector layer))
  (gimp-edit-paste layer FALSE))

(define (more-attributes layer)
  (gimp-item-get-lock-visibility layer))

(define (set-more-attributes layer)
  (gimp-item-set-lock-visibility layer TRUE))
